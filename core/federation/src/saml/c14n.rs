//! Exclusive XML Canonicalization without comments (W3C, 18 July 2002): the one spelling of an element over which a hash is taken.

use super::xml::{Attribute, Element, Node, Scope, XML, written};

/// How an element is spelled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Spelling {
    /// Prefixes that are declared where they are in force, used or not; empty for the default.
    pub(super) inclusive: Vec<String>,
    /// The number of an element that is left out: the signature that lies within what it signs.
    pub(super) without: Option<usize>,
}

impl Spelling {
    /// The bytes of `element` and all below it, as if it stood alone.
    pub(super) fn of(&self, element: &Element) -> Vec<u8> {
        let mut out = String::new();
        self.element(&mut out, element, &Scope::new());
        out.into_bytes()
    }

    /// `said`: what those above have declared in the output. Elements are nested no deeper than the reader lets them be.
    fn element(&self, out: &mut String, element: &Element, said: &Scope) {
        let mut said_here = None;
        let mut declared: Vec<(&str, &str)> = Vec::new();
        for prefix in self.prefixes(element) {
            let uri = element.scope.get(prefix).map_or("", String::as_str);
            let before = said.get(prefix).map_or("", String::as_str);
            if uri == before {
                continue;
            }
            said_here.get_or_insert_with(|| said.clone()).insert(prefix.to_owned(), uri.to_owned());
            declared.push((prefix, uri));
        }
        let name = written(&element.name);
        out.push('<');
        out.push_str(&name);
        for (prefix, uri) in declared {
            out.push_str(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
            out.push_str(prefix);
            push_value(out, uri);
        }
        let mut attributes: Vec<&Attribute> = element.attributes.iter().collect();
        attributes.sort_by(|a, b| (&a.name.namespace, &a.name.local).cmp(&(&b.name.namespace, &b.name.local)));
        for attribute in attributes {
            out.push(' ');
            out.push_str(&written(&attribute.name));
            push_value(out, &attribute.value);
        }
        out.push('>');
        for child in &element.children {
            match child {
                Node::Text(text) => push_text(out, text),
                Node::Element(child) if self.without == Some(child.number) => {}
                Node::Element(child) => self.element(out, child, said_here.as_ref().unwrap_or(said)),
            }
        }
        out.push_str("</");
        out.push_str(&name);
        out.push('>');
    }

    /// Sorted, each once: what the element and its attributes use, and what is to be declared wherever it is in force.
    fn prefixes<'e>(&'e self, element: &'e Element) -> Vec<&'e str> {
        let used = element.attributes.iter().filter(|a| !a.name.prefix.is_empty() && a.name.namespace != XML);
        let mut prefixes: Vec<&str> = used.map(|a| a.name.prefix.as_str()).collect();
        if element.name.namespace != XML {
            prefixes.push(&element.name.prefix);
        }
        prefixes.extend(self.inclusive.iter().map(String::as_str));
        prefixes.sort_unstable();
        prefixes.dedup();
        prefixes
    }
}

fn push_value(out: &mut String, value: &str) {
    out.push_str("=\"");
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn push_text(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#xD;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::xml::parse;
    use super::*;

    fn spelled(text: &str, local: &str, spelling: &Spelling) -> String {
        let root = parse(text).expect("read");
        let element = root.all().into_iter().find(|e| e.name.local == local).expect("there").clone();
        String::from_utf8(spelling.of(&element)).expect("UTF-8")
    }

    #[test]
    fn an_element_is_spelled_as_if_it_stood_alone() {
        let check = |text: &str, local: &str, expect: &str| {
            assert_eq!(spelled(text, local, &Spelling::default()), expect, "{text}");
        };
        // The examples of the standard, 2.2: what is used is declared, and only where it is used first.
        let n1 = "<n0:pdu xmlns:n0='a:'><n1:elem1 xmlns:n1='http://b' >content</n1:elem1></n0:pdu>";
        check(n1, "elem1", "<n1:elem1 xmlns:n1=\"http://b\">content</n1:elem1>");
        let n2 = "<n0:local xmlns:n0='foo:bar' xmlns:n3='ftp://example.org'><n1:elem2 xmlns:n1='http://example.net' xml:lang='en'>\
                  <n3:stuff xmlns:n3='ftp://example.org'/></n1:elem2></n0:local>";
        let expect = "<n1:elem2 xmlns:n1=\"http://example.net\" xml:lang=\"en\"><n3:stuff xmlns:n3=\"ftp://example.org\">\
                      </n3:stuff></n1:elem2>";
        check(n2, "elem2", expect);
        check(
            "<r b='2' a='1' xmlns:z='urn:a' xmlns:y='urn:b' y:a='4' z:b='3'/>",
            "r",
            "<r xmlns:y=\"urn:b\" xmlns:z=\"urn:a\" a=\"1\" b=\"2\" z:b=\"3\" y:a=\"4\"></r>",
        );
        check("<a xmlns='u'><b xmlns=''><c/></b><d/></a>", "a", "<a xmlns=\"u\"><b xmlns=\"\"><c></c></b><d></d></a>");
        check("<a><b xmlns=''/></a>", "a", "<a><b></b></a>");
        check(
            "<r x='&quot;&#9;&#10;&#13;&lt;&amp;>'>&lt;&gt;&amp;\"&#13;<!-- c -->x</r>",
            "r",
            "<r x=\"&quot;&#x9;&#xA;&#xD;&lt;&amp;>\">&lt;&gt;&amp;\"&#xD;x</r>",
        );
    }

    #[test]
    fn prefixes_that_are_named_are_declared_wherever_they_are_in_force() {
        let text = "<a xmlns='u' xmlns:xs='http://www.w3.org/2001/XMLSchema'><b><c/></b></a>";
        let spelling = Spelling { inclusive: vec!["xs".into(), "none".into()], without: None };
        let expect = "<b xmlns=\"u\" xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"><c></c></b>";
        assert_eq!(spelled(text, "b", &spelling), expect);
    }

    #[test]
    fn what_is_left_out_leaves_nothing() {
        let root = parse("<a> <b>x</b> <b>y</b></a>").expect("read");
        let second = root.elements().nth(1).expect("two").number;
        let spelling = Spelling { without: Some(second), ..Spelling::default() };
        assert_eq!(spelling.of(&root), b"<a> <b>x</b> </a>");
    }
}
