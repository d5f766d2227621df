"""XMP packets: image metadata for photo managers."""

from collections.abc import Iterable
from xml.sax.saxutils import escape

from gan.version import __version__

TRAINED = "trainedAlgorithmicMedia"  # IPTC term for images made by a model trained on sampled content
COLOURS = (
    "",
    "Red",
    "Yellow",
    "Green",
    "Blue",
)  # of labels 0 (none) to 4, by the names that Lightroom and darktable read

_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:tastemaker="urn:tastemaker:record" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
   <xmp:CreatorTool>{tool}</xmp:CreatorTool>{more}
   <Iptc4xmpExt:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/{source}</Iptc4xmpExt:DigitalSourceType>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


def xmp_packet(
    rating: int | None = None,
    source: str = TRAINED,
    *,
    label: int = 0,
    tags: Iterable[str] = (),
    note: str = "",
    title: str = "",
    record: str = "",
) -> str:
    """An XMP packet with the source type and the other values given.

    Parameters
    ----------
    rating : -1 rejected, 0 unrated, 1 to 5 stars.
    source : an IPTC digital source type.
    label : a colour, 1 to 4; 0 is none.
    tags : keywords.
    note : a description.
    title : of the image.
    record : our own JSON record, for picture formats without another place for it.

    Raises
    ------
    ValueError
        The rating is outside -1 .. 5, or the label outside 0 .. 4.
    """
    if rating is not None and rating not in range(-1, 6):
        raise ValueError(f"a rating is -1 to 5, not {rating}")
    if label not in range(len(COLOURS)):
        raise ValueError(f"a label is 0 to {len(COLOURS) - 1}, not {label}")
    more = []
    if rating is not None:
        more.append(f"<xmp:Rating>{int(rating)}</xmp:Rating>")
    if label:
        more.append(f"<xmp:Label>{COLOURS[label]}</xmp:Label>")
    if words := "".join(f"<rdf:li>{_text(tag)}</rdf:li>" for tag in tags):
        more.append(f"<dc:subject><rdf:Bag>{words}</rdf:Bag></dc:subject>")
    if note:
        more.append(
            f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{_text(note)}</rdf:li></rdf:Alt></dc:description>'
        )
    if title:
        more.append(
            f'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{_text(title)}</rdf:li></rdf:Alt></dc:title>'
        )
    if record:
        more.append(f"<tastemaker:Record>{_text(record)}</tastemaker:Record>")
    return _PACKET.format(
        tool=escape(f"Tastemaker {__version__}"),
        more="".join(f"\n   {line}" for line in more),
        source=escape(source),
    )


def _text(value: str) -> str:
    """Escape text for XML, without the control characters that XML does not allow."""
    return escape("".join(c for c in value if c >= " " or c in "\t\n\r"))
