"""What `merzoo tune` is made of: spaces, oracles, models shared by trials, results."""
