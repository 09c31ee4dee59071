"""Running folds: one fold, in workers or on a cluster, and the folder that keeps what is done."""
