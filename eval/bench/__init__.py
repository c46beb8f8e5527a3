"""Public data sets -> our figures beside the published ones, each set run as its own README says."""
