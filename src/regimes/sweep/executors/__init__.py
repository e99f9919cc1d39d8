"""Where the tasks of a sweep run: processes of this machine, a Dask cluster, Slurm jobs."""
