"""XML -> a tree, without entities, network or bottomless nesting."""

from __future__ import annotations

from lxml import etree

from rag.errors import ParseError

OPTIONS = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
"""What every XML parser of ours is given."""


def xml_tree(data: bytes) -> etree._Element:
    """The root of an XML file. Raises ParseError E_ENTITY, E_DEPTH or E_CORRUPT."""
    try:
        root = etree.fromstring(data, etree.XMLParser(**OPTIONS, remove_comments=True, remove_pis=True))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise xml_failure(error) from None
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and any(True for _ in declared.iterentities()):
        raise entities_declared()
    return root


def xml_failure(error: Exception) -> ParseError:
    """What to say of XML that cannot be read."""
    if "depth" in str(error).lower():
        return ParseError("E_DEPTH", "its elements are nested too deeply to be read.")
    if "entit" in str(error).lower() and "amplification" in str(error).lower():
        return entities_declared()
    return ParseError("E_CORRUPT", f"its XML is damaged ({' '.join(str(error).split())}). Save it again.")


def entities_declared() -> ParseError:
    """What to say of XML that declares entities, with which a small file can expand without end."""
    return ParseError("E_ENTITY", "its XML declares entities, which are not expanded. Save it without them.")


def local_name(element: etree._Element) -> str:
    """An element's name without its namespace; of an entity or the like, an empty string."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
