"""From predictions to figures: pooled scores, intervals, paired tests, calibration."""
