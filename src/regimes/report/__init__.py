"""Reports: pages, figures and exports, made from a store alone; neither torch nor claim files are imported."""
