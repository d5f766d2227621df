"""Simulated people, peers of our method, and benchmarks of both.

>>> from pathlib import Path
>>> from gan.simulate.run import simulate
>>> report = simulate(gan.load("dreamscapes"), Path("rater.py"), ratings=100, seed=0, out=Path("run"))
>>> report.untuned.like, report.final.like          # shares of fresh images that they like, 0 to 1
"""
