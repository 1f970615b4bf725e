//! Reading the XML that stores answer: elements and their text.
//!
//! Owns: finding elements by name, and entities. Must not know: which elements there are. Not a general reader: no
//! namespaces, comments, CDATA or document types inside the root, which neither S3 nor Azure sends. What it cannot
//! read is absent, never an error of its own: the caller misses what it needs.

use std::borrow::Cow;

/// An element: what stands between its tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    name: &'a str,
    content: &'a str,
}

impl<'a> Element<'a> {
    /// The root of a document.
    pub fn root(document: &'a str) -> Option<Self> {
        let mut rest = document.trim_start_matches('\u{feff}').trim_start();
        while rest.starts_with("<?") || rest.starts_with("<!") {
            rest = rest.split_once('>')?.1.trim_start();
        }
        Children { rest }.next()
    }

    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The elements directly in this one.
    pub fn children(&self) -> impl Iterator<Item = Element<'a>> + use<'a> {
        Children { rest: self.content }
    }

    /// The first of those of that name.
    pub fn child(&self, name: &str) -> Option<Element<'a>> {
        self.children().find(|child| child.name == name)
    }

    /// The text of the first child of that name.
    pub fn child_text(&self, name: &str) -> Option<Cow<'a, str>> {
        self.child(name).and_then(|child| child.text())
    }

    /// Its text with entities decoded; `None`: it holds elements, or an entity that does not exist.
    pub fn text(&self) -> Option<Cow<'a, str>> {
        if self.content.contains('<') {
            return None;
        }
        if !self.content.contains('&') {
            return Some(Cow::Borrowed(self.content));
        }
        let mut pieces = self.content.split('&');
        let mut text = pieces.next()?.to_owned();
        for piece in pieces {
            let (entity, rest) = piece.split_once(';')?;
            text.push(decode(entity)?);
            text.push_str(rest);
        }
        Some(Cow::Owned(text))
    }
}

fn decode(entity: &str) -> Option<char> {
    match entity {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

struct Children<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Children<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let tag = Tag::next(self.rest)?;
        let name = tag.name;
        if tag.kind != TagKind::Open {
            self.rest = tag.after;
            return (tag.kind == TagKind::Empty).then_some(Element { name, content: "" });
        }
        // Tags nest, so the end of this element is where as many were closed as opened.
        let (mut depth, mut rest) = (1, tag.after);
        loop {
            let inner = Tag::next(rest)?;
            match inner.kind {
                TagKind::Open => depth += 1,
                TagKind::Close => depth -= 1,
                TagKind::Empty => {}
            }
            if depth == 0 {
                let content = &tag.after[..tag.after.len() - inner.from.len()];
                self.rest = inner.after;
                return (inner.name == name).then_some(Element { name, content });
            }
            rest = inner.after;
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TagKind {
    Open,
    Close,
    Empty,
}

struct Tag<'a> {
    kind: TagKind,
    name: &'a str,
    /// The text from this tag's `<` on.
    from: &'a str,
    /// The text after its `>`.
    after: &'a str,
}

impl<'a> Tag<'a> {
    fn next(text: &'a str) -> Option<Self> {
        let from = &text[text.find('<')?..];
        let (inside, after) = from[1..].split_once('>')?;
        let (kind, inside) = match (inside.strip_prefix('/'), inside.strip_suffix('/')) {
            (Some(inside), _) => (TagKind::Close, inside),
            (None, Some(inside)) => (TagKind::Empty, inside),
            (None, None) => (TagKind::Open, inside),
        };
        let name = inside.split_ascii_whitespace().next()?;
        Some(Tag { kind, name, from, after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: &str = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<Results Where=\"x\"><Blobs>\
        <Blob><Name Encoded=\"false\">a/&lt;b&gt;&#38;&#x41;</Name><Properties><Name>inner</Name></Properties></Blob>\
        <Blob><Properties><Size>2</Size></Properties><Name>c</Name></Blob></Blobs><NextMarker /></Results>";

    #[test]
    fn elements_are_found_where_they_are() {
        let root = Element::root(LISTING).unwrap();
        assert_eq!(root.name(), "Results");
        let blobs: Vec<_> = root.child("Blobs").unwrap().children().collect();
        assert_eq!(blobs.len(), 2);
        assert_eq!(blobs[0].child_text("Name").unwrap(), "a/<b>&A");
        assert_eq!(blobs[1].child_text("Name").unwrap(), "c");
        assert_eq!(blobs[1].child("Properties").and_then(|p| p.child_text("Size")).unwrap(), "2");
        assert_eq!(root.child_text("NextMarker").unwrap(), "");
        assert_eq!(root.child("Blob"), None);
        assert_eq!(root.child("Blobs").unwrap().text(), None);
    }

    /// Whatever is cut off or wrong is absent; nothing panics at any length.
    #[test]
    fn broken_documents_are_read_as_far_as_they_go() {
        for end in (0..LISTING.len()).filter(|end| LISTING.is_char_boundary(*end)) {
            assert_eq!(Element::root(&LISTING[..end]), None, "{end}");
        }
        assert_eq!(Element::root("<a><b></a></b>"), None);
        assert_eq!(Element::root("no xml"), None);
        for text in ["<a>&unknown;</a>", "<a>&#xD800;</a>", "<a>&amp</a>"] {
            assert_eq!(Element::root(text).unwrap().text(), None, "{text}");
        }
    }
}
