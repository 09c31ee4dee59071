"""Who is trained on, who is tested: protocols, splits as files, and who chooses an epoch."""
