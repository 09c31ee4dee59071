"""What people look at after a run: the report, comparisons, plots and tables for papers."""
