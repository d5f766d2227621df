"""Adversarial training of a generator and a discriminator.

>>> from pathlib import Path
>>> from gan.adversarial.command import run
>>> run("photos", Path("mine"), start_from="dreamscapes", minutes=60)   # called again, it resumes where it stopped
>>> model = gan.load("mine")
"""
