//! XML as a tree, read within limits. A document type, and with it every entity but XML's own five, is refused.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// Elements may nest so deep,
const NESTING_MAX: usize = 32;
/// have so many differently named children,
const NAMES_MAX: usize = 256;
/// and be so many in all.
const ELEMENTS_MAX: usize = 50_000;

#[derive(Default)]
pub(crate) struct Element {
    /// Attributes and children by name, in the order of their first coming.
    pub(crate) members: Vec<(String, Vec<Node>)>,
    pub(crate) text: String,
}

pub(crate) enum Node {
    /// Of an attribute.
    Text(String),
    Element(Element),
}

impl Element {
    /// The attributes or children of a name.
    pub(crate) fn named(&self, name: &str) -> &[Node] {
        self.members.iter().find(|(n, _)| n == name).map_or(&[], |(_, nodes)| nodes)
    }

    /// The first child element of a name.
    pub(crate) fn child(&self, name: &str) -> Option<&Element> {
        self.named(name).iter().find_map(Node::element)
    }

    fn add(&mut self, name: String, node: Node) -> Option<()> {
        if let Some((_, nodes)) = self.members.iter_mut().find(|(n, _)| *n == name) {
            nodes.push(node);
        } else if self.members.len() < NAMES_MAX {
            self.members.push((name, vec![node]));
        } else {
            return None;
        }
        Some(())
    }
}

impl Node {
    pub(crate) fn element(&self) -> Option<&Element> {
        match self {
            Self::Text(_) => None,
            Self::Element(element) => Some(element),
        }
    }

    /// The text of an attribute, or that of an element without its white space around.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Element(element) => element.text.trim(),
        }
    }
}

/// The root and its name.
pub(crate) fn read_xml(body: &[u8]) -> Option<(String, Element)> {
    let mut reader = Reader::from_str(std::str::from_utf8(body).ok()?);
    let mut open: Vec<(String, Element)> = Vec::new();
    let mut root = None;
    let mut elements = 0_usize;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                elements += 1;
                if root.is_some() || elements > ELEMENTS_MAX || open.len() == NESTING_MAX {
                    return None;
                }
                open.push(begin(&start)?);
            }
            Event::Empty(start) => {
                elements += 1;
                if root.is_some() || elements > ELEMENTS_MAX {
                    return None;
                }
                let (name, element) = begin(&start)?;
                end(name, element, &mut open, &mut root)?;
            }
            Event::End(_) => {
                let (name, element) = open.pop()?;
                end(name, element, &mut open, &mut root)?;
            }
            Event::Text(text) => {
                let text = text.decode().ok()?;
                match open.last_mut() {
                    Some((_, element)) => element.text.push_str(&text),
                    None if text.trim().is_empty() => {}
                    None => return None,
                }
            }
            Event::CData(text) => open.last_mut()?.1.text.push_str(&text.decode().ok()?),
            Event::GeneralRef(reference) => {
                let element = &mut open.last_mut()?.1;
                match reference.resolve_char_ref().ok()? {
                    Some(c) => element.text.push(c),
                    None => element.text.push_str(resolve_predefined_entity(&reference.decode().ok()?)?),
                }
            }
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::DocType(_) => return None,
            Event::Eof => return if open.is_empty() { root } else { None },
        }
    }
}

fn begin(start: &BytesStart<'_>) -> Option<(String, Element)> {
    let name = std::str::from_utf8(start.name().as_ref()).ok()?.to_owned();
    let mut element = Element::default();
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        let name = std::str::from_utf8(attribute.key.as_ref()).ok()?.to_owned();
        element.add(name, Node::Text(attribute.unescape_value().ok()?.into_owned()))?;
    }
    Some((name, element))
}

fn end(
    name: String,
    element: Element,
    open: &mut [(String, Element)],
    root: &mut Option<(String, Element)>,
) -> Option<()> {
    match open.last_mut() {
        Some((_, parent)) => parent.add(name, Node::Element(element)),
        None => {
            *root = Some((name, element));
            Some(())
        }
    }
}
