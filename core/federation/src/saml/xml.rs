//! The XML that identity providers write, read strictly: XML 1.0 with namespaces, in UTF-8, without a document type.
//!
//! Nothing is ever replaced, fetched or guessed: entities other than XML's own five, processing instructions and document types are refused,
//! since readers differ in what they make of them. Comments are passed over, and the text around them is one.

use std::collections::BTreeMap;
use std::sync::Arc;

/// What stands for `xml:` everywhere.
pub(super) const XML: &str = "http://www.w3.org/XML/1998/namespace";
const DEPTH_MAX: usize = 64;
const ELEMENTS_MAX: usize = 20_000;
const ATTRIBUTES_MAX: usize = 64;

/// Prefixes and what they stand for; the empty one is the default.
pub(super) type Scope = BTreeMap<String, String>;

/// It is not XML, or none that is read here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}, at byte {at}")]
pub struct Malformed {
    pub what: &'static str,
    pub at: usize,
}

/// A name as it is written, and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// Empty where there is none.
    pub(super) prefix: String,
    pub(super) local: String,
    /// Empty where it is in none.
    pub(super) namespace: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attribute {
    pub(super) name: Name,
    pub(super) value: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Element(Element),
    Text(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Element {
    /// Its place in the document, which tells it from all others.
    pub(super) number: usize,
    pub(super) name: Name,
    pub(super) attributes: Vec<Attribute>,
    /// All namespaces in force here.
    pub(super) scope: Arc<Scope>,
    pub(super) children: Vec<Node>,
}

impl Element {
    pub(super) fn is(&self, namespace: &str, local: &str) -> bool {
        self.name.local == local && self.name.namespace == namespace
    }

    /// The value of an attribute without a prefix.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let own = |a: &&Attribute| a.name.namespace.is_empty() && a.name.local == name;
        self.attributes.iter().find(own).map(|a| a.value.as_str())
    }

    pub(super) fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The children of that name.
    pub(super) fn named<'e>(&'e self, namespace: &'e str, local: &'e str) -> impl Iterator<Item = &'e Element> {
        self.elements().filter(move |element| element.is(namespace, local))
    }

    /// The only child of that name; `None` where there is none, or more than one.
    pub(super) fn only(&self, namespace: &str, local: &str) -> Option<&Element> {
        let mut all = self.elements().filter(|element| element.is(namespace, local));
        let first = all.next()?;
        if all.next().is_some() { None } else { Some(first) }
    }

    /// Its text, trimmed; `None` where there are elements in it.
    pub(super) fn text(&self) -> Option<&str> {
        match self.children.as_slice() {
            [] => Some(""),
            [Node::Text(text)] => Some(text.trim_matches([' ', '\t', '\n', '\r'])),
            _ => None,
        }
    }

    /// It and everything below it.
    pub(super) fn all(&self) -> Vec<&Element> {
        let mut all = vec![self];
        let mut at = 0;
        while let Some(element) = all.get(at).copied() {
            all.extend(element.elements());
            at += 1;
        }
        all
    }
}

/// Reads a document; gives back its root.
pub(super) fn parse(text: &str) -> Result<Element, Malformed> {
    let mut reader = Reader { text, at: 0, elements: 0 };
    reader.declaration()?;
    reader.between()?;
    let root = reader.tree()?;
    reader.between()?;
    if reader.rest().is_empty() { Ok(root) } else { reader.bad("something stands behind the document") }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    elements: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn bad<T>(&self, what: &'static str) -> Result<T, Malformed> {
        Err(Malformed { what, at: self.at })
    }

    fn eat(&mut self, token: &str) -> bool {
        let there = self.rest().starts_with(token);
        self.at += if there { token.len() } else { 0 };
        there
    }

    /// Up to `end`, which is passed too.
    fn until(&mut self, end: &str, what: &'static str) -> Result<&'t str, Malformed> {
        let Some(length) = self.rest().find(end) else { return self.bad(what) };
        let found = &self.rest()[..length];
        self.at += length + end.len();
        Ok(found)
    }

    fn spaces(&mut self) -> bool {
        let from = self.at;
        self.at += self.rest().bytes().take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')).count();
        self.at > from
    }

    fn declaration(&mut self) -> Result<(), Malformed> {
        if !self.rest().starts_with("<?xml ") {
            return Ok(());
        }
        let said = self.until("?>", "the declaration has no end")?.to_ascii_lowercase();
        let is_ours = said.split_once("encoding").is_none_or(|(_, rest)| rest.contains("utf-8"));
        if is_ours && said.contains("1.0") { Ok(()) } else { self.bad("only XML 1.0 in UTF-8 is read") }
    }

    /// What may stand before and behind the root.
    fn between(&mut self) -> Result<(), Malformed> {
        loop {
            self.spaces();
            if !self.eat("<!--") {
                return Ok(());
            }
            self.comment()?;
        }
    }

    fn comment(&mut self) -> Result<(), Malformed> {
        let inside = self.until("--", "a comment has no end")?;
        check_characters(inside, self.at)?;
        if self.eat(">") { Ok(()) } else { self.bad("two hyphens stand in a comment") }
    }

    /// The element that begins here, with everything in it.
    fn tree(&mut self) -> Result<Element, Malformed> {
        let mut open: Vec<Element> = Vec::new();
        loop {
            let mut done = None;
            if self.eat("<!--") {
                self.comment()?;
            } else if self.eat("<![CDATA[") {
                let text = self.until("]]>", "a CDATA section has no end")?;
                check_characters(text, self.at)?;
                self.add_text(&mut open, &normal(text))?;
            } else if self.eat("</") {
                let name = self.raw_name()?;
                self.spaces();
                let Some(element) = open.pop() else { return self.bad("something is closed that is not open") };
                if !self.eat(">") || written(&element.name) != name {
                    return self.bad("something else is closed than what is open");
                }
                done = Some(element);
            } else if self.rest().starts_with("<!") || self.rest().starts_with("<?") {
                return self.bad("document types and processing instructions are not read");
            } else if self.eat("<") {
                if open.len() >= DEPTH_MAX {
                    return self.bad("elements are nested too deep");
                }
                let (element, is_empty) = self.start(open.last().map(|above| &above.scope))?;
                if is_empty { done = Some(element) } else { open.push(element) }
            } else {
                let text = self.text()?;
                self.add_text(&mut open, &text)?;
            }
            if let Some(element) = done {
                match open.last_mut() {
                    Some(above) => above.children.push(Node::Element(element)),
                    None => return Ok(element),
                }
            }
        }
    }

    fn add_text(&self, open: &mut [Element], text: &str) -> Result<(), Malformed> {
        let Some(above) = open.last_mut() else { return self.bad("text stands outside of the document") };
        match above.children.last_mut() {
            Some(Node::Text(before)) => before.push_str(text),
            _ if text.is_empty() => {}
            _ => above.children.push(Node::Text(text.to_owned())),
        }
        Ok(())
    }

    fn text(&mut self) -> Result<String, Malformed> {
        let length = self.rest().find('<').unwrap_or(self.rest().len());
        let raw = &self.rest()[..length];
        if length == 0 || length == self.rest().len() {
            return self.bad("the document breaks off");
        }
        if raw.contains("]]>") {
            return self.bad("']]>' stands in text");
        }
        let text = self.expanded(raw, false)?;
        self.at += length;
        Ok(text)
    }

    /// A start tag behind its `<`, and whether it is its own end.
    fn start(&mut self, above: Option<&Arc<Scope>>) -> Result<(Element, bool), Malformed> {
        self.elements += 1;
        if self.elements > ELEMENTS_MAX {
            return self.bad("too many elements");
        }
        let name = self.raw_name()?;
        let mut raw: Vec<(&'t str, String)> = Vec::new();
        let is_empty = loop {
            let spaced = self.spaces();
            if self.eat("/>") {
                break true;
            }
            if self.eat(">") {
                break false;
            }
            if !spaced || raw.len() >= ATTRIBUTES_MAX {
                return self.bad("attributes are not apart, or too many");
            }
            raw.push(self.attribute()?);
        };
        let scope = self.scope(above, &raw)?;
        let mut attributes: Vec<Attribute> = Vec::new();
        for (name, value) in raw {
            if name == "xmlns" || name.starts_with("xmlns:") {
                continue;
            }
            let name = self.meant(name, &scope, true)?;
            if attributes.iter().any(|a| a.name.local == name.local && a.name.namespace == name.namespace) {
                return self.bad("an attribute is there twice");
            }
            attributes.push(Attribute { name, value });
        }
        let name = self.meant(name, &scope, false)?;
        Ok((Element { number: self.elements, name, attributes, scope, children: Vec::new() }, is_empty))
    }

    fn attribute(&mut self) -> Result<(&'t str, String), Malformed> {
        let name = self.raw_name()?;
        self.spaces();
        if !self.eat("=") {
            return self.bad("an attribute has no value");
        }
        self.spaces();
        let quote = match self.rest().bytes().next() {
            Some(b'"') => "\"",
            Some(b'\'') => "'",
            _ => return self.bad("an attribute's value is not quoted"),
        };
        self.at += 1;
        let raw = self.until(quote, "an attribute's value has no end")?;
        if raw.contains('<') {
            return self.bad("'<' stands in an attribute");
        }
        Ok((name, self.expanded(raw, true)?))
    }

    /// The namespaces in force where these are declared.
    fn scope(&self, above: Option<&Arc<Scope>>, raw: &[(&str, String)]) -> Result<Arc<Scope>, Malformed> {
        let declared = raw.iter().filter_map(|(name, uri)| {
            let prefix = if *name == "xmlns" { Some("") } else { name.strip_prefix("xmlns:") };
            prefix.map(|prefix| (prefix, uri))
        });
        let above = above.cloned().unwrap_or_default();
        let mut scope: Option<Scope> = None;
        let mut seen = Vec::new();
        for (prefix, uri) in declared {
            let is_reserved =
                prefix == "xmlns" || uri == "http://www.w3.org/2000/xmlns/" || (prefix == "xml") != (uri == XML);
            if is_reserved || (uri.is_empty() && !prefix.is_empty()) || seen.contains(&prefix) {
                return self.bad("a namespace is declared that cannot be");
            }
            seen.push(prefix);
            let scope = scope.get_or_insert_with(|| (*above).clone());
            if uri.is_empty() {
                scope.remove(prefix);
            } else if prefix != "xml" {
                scope.insert(prefix.to_owned(), uri.clone());
            }
        }
        Ok(scope.map_or(above, Arc::new))
    }

    fn meant(&self, name: &str, scope: &Scope, is_attribute: bool) -> Result<Name, Malformed> {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let namespace = match prefix {
            "xml" => XML,
            "" if is_attribute => "",
            "" => scope.get("").map_or("", String::as_str),
            prefix => match scope.get(prefix) {
                Some(uri) => uri,
                None => return self.bad("a prefix stands for nothing"),
            },
        };
        Ok(Name { prefix: prefix.to_owned(), local: local.to_owned(), namespace: namespace.to_owned() })
    }

    /// A name with at most one colon in it.
    fn raw_name(&mut self) -> Result<&'t str, Malformed> {
        let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':') || !c.is_ascii();
        let length = self.rest().find(|c| !inside(c)).unwrap_or(self.rest().len());
        let name = &self.rest()[..length];
        let begins = |part: &str| part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii());
        let mut parts = name.split(':');
        let right = parts.next().is_some_and(begins) && parts.next().is_none_or(begins) && parts.next().is_none();
        if !right
            || name.len() > 256
            || name.chars().any(|c| matches!(c, '\u{80}'..='\u{bf}' | '\u{2000}'..='\u{206f}'))
        {
            return self.bad("a name is none");
        }
        self.at += length;
        Ok(name)
    }

    /// Text with its references replaced: by XML's five entities, or by a number.
    fn expanded(&self, raw: &str, is_attribute: bool) -> Result<String, Malformed> {
        check_characters(raw, self.at)?;
        let plain = normal(raw);
        let mut out = String::with_capacity(plain.len());
        let push = |out: &mut String, text: &str| match is_attribute {
            true => out.extend(text.chars().map(|c| if matches!(c, '\t' | '\n') { ' ' } else { c })),
            false => out.push_str(text),
        };
        let mut rest = plain.as_str();
        while let Some(at) = rest.find('&') {
            push(&mut out, &rest[..at]);
            let Some((reference, behind)) = rest[at + 1..].split_once(';') else {
                return self.bad("'&' refers to nothing");
            };
            match reference {
                "lt" => out.push('<'),
                "gt" => out.push('>'),
                "amp" => out.push('&'),
                "quot" => out.push('"'),
                "apos" => out.push('\''),
                number => match numbered(number) {
                    Some(c) => out.push(c),
                    None => return self.bad("an entity is referred to that is not known here"),
                },
            }
            rest = behind;
        }
        push(&mut out, rest);
        Ok(out)
    }
}

/// As it is written.
pub(super) fn written(name: &Name) -> String {
    if name.prefix.is_empty() { name.local.clone() } else { format!("{}:{}", name.prefix, name.local) }
}

fn numbered(reference: &str) -> Option<char> {
    let digits = reference.strip_prefix('#')?;
    let (digits, radix) = digits.strip_prefix('x').map_or((digits, 10), |hex| (hex, 16));
    let right = (1..=8).contains(&digits.len()) && digits.chars().all(|c| c.is_digit(radix));
    let c = u32::from_str_radix(digits, radix).ok().filter(|_| right).and_then(char::from_u32)?;
    is_character(c).then_some(c)
}

fn is_character(c: char) -> bool {
    !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

fn check_characters(text: &str, at: usize) -> Result<(), Malformed> {
    let right = text.chars().all(is_character);
    if right { Ok(()) } else { Err(Malformed { what: "a character stands there that XML cannot say", at }) }
}

/// Ends of lines are one character.
fn normal(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_mean_what_is_in_force() {
        let root = parse(
            "<?xml version='1.0'?><!-- a --><a:r xmlns:a='urn:a' xmlns='urn:d' a:x='1' x='2'><s><t xmlns=''/></s></a:r>\n",
        );
        let root = root.expect("read");
        assert!(root.is("urn:a", "r"));
        assert_eq!(root.attribute("x"), Some("2"));
        let s = root.only("urn:d", "s").expect("one");
        assert!(s.only("", "t").is_some());
        assert_eq!(root.all().len(), 3);
    }

    #[test]
    fn text_is_one_whatever_stands_in_it() {
        let root = parse("<r x='a\tb&#9;c'>adm<!-- x -->in&amp;<![CDATA[<b>]]>&#x41;\r\n.</r>").expect("read");
        assert_eq!(root.text(), Some("admin&<b>A\n."));
        assert_eq!(root.attribute("x"), Some("a b\tc"));
    }

    #[test]
    fn what_readers_differ_about_is_refused() {
        for bad in [
            "",
            "<r>",
            "<r></s>",
            "<r/><r/>",
            "x<r/>",
            "<r/>x",
            "<!DOCTYPE r><r/>",
            "<!DOCTYPE r [<!ENTITY e 'x'>]><r>&e;</r>",
            "<r>&e;</r>",
            "<r>&#0;</r>",
            "<r>&#xD800;</r>",
            "<r>&</r>",
            "<r><?pi x?></r>",
            "<?pi x?><r/>",
            "<r>]]></r>",
            "<r><!-- a -- b --></r>",
            "<p:r/>",
            "<a:b:c xmlns:a='u'/>",
            "<r x='1' x='2'/>",
            "<r xmlns:a='u' xmlns:b='u' a:x='1' b:x='2'/>",
            "<r xmlns:a=''/>",
            "<r xmlns:xmlns='u'/>",
            "<r xmlns:xml='u'/>",
            "<r x='<'/>",
            "<r x=1/>",
            "<r x='1'y='2'/>",
            "<1r/>",
            "<r>\u{1}</r>",
            "<?xml version='1.0' encoding='UTF-16'?><r/>",
            "<?xml version='1.1'?><r/>",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse(&format!("{}{}", "<a>".repeat(65), "</a>".repeat(65))).is_err());
        assert!(parse(&format!("<r>{}</r>", "<a/>".repeat(ELEMENTS_MAX))).is_err());
    }

    proptest! {
        #[test]
        fn nothing_is_too_much(text in "[<>/a:!\\[\\]'=& \\-?x;#0\\PC]{0,120}") {
            let _ = parse(&text);
            let _ = parse(&format!("<a xmlns:x='u'>{text}</a>"));
        }
    }
}
