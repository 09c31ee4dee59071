"""What `predict` and the page take where no network is named.

Of the weights that any installation has, those that reached most on real flow images that they had
never seen (`benchmarks/README.md`, "Invented faces and real ones").
"""

DEFAULT_MODEL, DEFAULT_WEIGHTS = "offapexnet", "synthetic"
UNIT_WEIGHTS = "ststnet.synthetic-au"  # that go with weights of invented faces
