"""Spotting as an evaluated task: where in long videos expressions are, with people held out.

`evaluate_spots` runs it for the motion spotter, for networks on sliding windows and for anybody's
function; `evaluate_recognised` joins a spotter and a network that says the class of what it found.
"""
