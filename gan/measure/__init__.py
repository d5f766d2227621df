"""How far images are from real ones, and how different from one another, in a fixed random feature space that no model was trained in.

For two folders of pictures, "real" and "mine":

>>> from gan.data.folder import open_images
>>> from gan.measure import distances
>>> from gan.measure.features import features
>>> real, mine = (features(open_images(folder, resolution=64).images) for folder in ("real", "mine"))   # float32 (N, D) each
>>> distances.kid(real, mine)                                           # 0: like the real ones; may fall a little below
>>> distances.coverage(distances.Manifold.of(real), mine)               # share of the real that they meet, 0 to 1

`gan.measure.generator.compare` computes all measures, and `tastemaker benchmark generator MODEL --images real` prints them beside those of
real pictures against each other. KID-rand, FD-rand and the like can only be compared with one another: no other program uses this feature
space.
"""
