"""How far images are from real ones, and how different from one another, in a fixed random feature space that nothing trained on.

Two folders of pictures, here "real" and "mine":

>>> from gan.data.folder import open_images
>>> from gan.measure import distances
>>> from gan.measure.features import features
>>> real, mine = (features(open_images(folder, resolution=64).images) for folder in ("real", "mine"))   # float32 (N, D) each
>>> distances.kid(real, mine)                                           # 0: like the real ones; may fall a little below
>>> distances.coverage(distances.Manifold.of(real), mine)               # share of the real that they meet, 0 to 1

`gan.measure.generator.compare` gives every measure at once, and `tastemaker benchmark generator MODEL --images real` prints them, beside
what real pictures reach among themselves. KID-rand, FD-rand and their like are to be compared with one another only: no other program
has this feature space.
"""
