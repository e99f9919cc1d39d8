"""Exact counts of the regions of piecewise linear networks, batched on lines, cut on planes, by LP in space, in rationals.

Four counts have four names here, and a claim says which one it means:

* `cells`: connected components of the domain minus the switching sets of all units (zero sets; for maxout, changes of argmax);
* `patterns`: distinct activation patterns whose set has an interior;
* `linear_pieces`: cells merged across walls where the affine map of the output does not change; without a read-out the
  output is the last hidden layer;
* `distinct_maps`: different affine maps, wherever they occur.

Always distinct_maps <= linear_pieces <= patterns = cells: the set of a pattern is an intersection of half-spaces, so it is
convex, hence connected. A unit identically zero on a piece does not cut it and counts as off; of equal maxout arguments the
first wins.

Counters: `line.line_regions` (whole batches), `plane.plane_regions` and `plane.plane_cells`, `cells.space_regions` (five
inputs at most), and `exact.exact_line`, `exact_plane.exact_plane` without any tolerance. The float counters report `ties`:
coincidences that rounding cannot tell from near misses; where ties > 0 the count is that of the coincident arrangement, and
the exact counters decide.
"""
