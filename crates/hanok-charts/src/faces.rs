//! The fonts of pictures: the built-in Noto Sans (crate `notosans`: Latin, Greek, Cyrillic), then those of the caller.

use std::collections::BTreeSet;

use notosans::{BOLD_TTF, REGULAR_TTF};
use ttf_parser::{Face, FaceParsingError, GlyphId, Tag, fonts_in_collection, name_id};

use crate::error::{ChartError, Result};

/// Fonts of one collection that are looked at.
const COLLECTION_MAX: u32 = 64;
/// The weight that text has in a variable font, whose own default may be the thinnest.
const WEIGHT: f32 = 400.0;

/// Fonts for letters that the built-in one does not have, such as Hangul.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fonts<'a> {
    /// Bytes of TrueType or OpenType files, asked in turn. Of a collection its Korean font, else its first one.
    pub files: &'a [&'a [u8]],
}

/// Those of some letters that a font has, e.g. of [`Png::missing`](crate::Png::missing).
///
/// # Errors
/// When the bytes are not a font.
pub fn covered(font: &[u8], letters: &BTreeSet<char>) -> Result<BTreeSet<char>> {
    let face = face(font).map_err(|error| unreadable(0, error))?;
    Ok(letters.iter().copied().filter(|c| face.glyph_index(*c).is_some()).collect())
}

/// The built-in faces and those of the caller.
pub(crate) struct Faces<'a> {
    regular: Vec<Face<'a>>,
    bold: Option<Face<'a>>,
}

impl<'a> Faces<'a> {
    pub(crate) fn new(fonts: Fonts<'a>) -> Result<Self> {
        let mut regular: Vec<Face<'a>> = Face::parse(REGULAR_TTF, 0).into_iter().collect();
        for (index, bytes) in fonts.files.iter().enumerate() {
            regular.push(face(bytes).map_err(|error| unreadable(index, error))?);
        }
        Ok(Self { regular, bold: Face::parse(BOLD_TTF, 0).ok() })
    }

    /// The first face that has a letter, and whether it is bold by itself.
    pub(crate) fn find(&self, c: char, bold: bool) -> Option<(&Face<'a>, GlyphId, bool)> {
        let found = |face: &'_ Face<'a>| face.glyph_index(c);
        if bold && let Some((face, glyph)) = self.bold.as_ref().and_then(|face| Some((face, found(face)?))) {
            return Some((face, glyph, true));
        }
        self.regular.iter().find_map(|face| Some((face, found(face)?, false)))
    }
}

fn unreadable(index: usize, error: FaceParsingError) -> ChartError {
    ChartError::Font { index, problem: error.to_string() }
}

/// The face of a file. Collections of Han letters hold one font a country, and the first is seldom the Korean one.
fn face(bytes: &[u8]) -> Result<Face<'_>, FaceParsingError> {
    let faces = fonts_in_collection(bytes).unwrap_or(1).min(COLLECTION_MAX);
    let korean = (0..faces).find(|index| Face::parse(bytes, *index).is_ok_and(|face| is_korean(&face)));
    let mut face = Face::parse(bytes, korean.unwrap_or(0))?;
    // Fonts without this axis stay as they are.
    let _ = face.set_variation(Tag::from_bytes(b"wght"), WEIGHT);
    Ok(face)
}

/// Whether a font's family ends in KR, as "Noto Sans CJK KR" does.
fn is_korean(face: &Face) -> bool {
    let names = face.names().into_iter().filter(|name| name.name_id == name_id::FAMILY);
    names.filter_map(|name| name.to_string()).any(|family| family.ends_with(" KR"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;

    #[test]
    fn the_built_in_font_is_not_wider_than_text_is_measured() {
        for (bytes, bold) in [(REGULAR_TTF, false), (BOLD_TTF, true)] {
            let face = Face::parse(bytes, 0).unwrap();
            let mut letters = 0;
            for c in (' '..='\u{2265}').filter(|c| !c.is_control()) {
                let Some(glyph) = face.glyph_index(c) else { continue };
                let advance =
                    f64::from(face.glyph_hor_advance(glyph).unwrap()) / f64::from(face.units_per_em());
                let measured = text::width(&c.to_string(), 1.0, bold);
                // The table is in thousandths.
                assert!(advance <= measured + 0.001, "{c:?} {bold} {advance} {measured}");
                letters += 1;
            }
            assert!(letters > 400, "{letters}");
        }
    }

    #[test]
    fn letters_of_a_font_are_told() {
        let letters = BTreeSet::from(['a', 'Ω', '한']);
        assert_eq!(covered(REGULAR_TTF, &letters).unwrap(), BTreeSet::from(['a', 'Ω']));
        assert!(covered(b"no font", &letters).is_err());
    }

    /// A collection file of fonts that are each given whole: offsets of their tables count from the file's beginning.
    fn collection(fonts: &[&[u8]]) -> Vec<u8> {
        let mut out = b"ttcf\0\x01\0\0".to_vec();
        out.extend((fonts.len() as u32).to_be_bytes());
        let mut start = out.len() + fonts.len() * 4;
        for font in fonts {
            out.extend((start as u32).to_be_bytes());
            start += font.len();
        }
        for font in fonts {
            let base = out.len() as u32;
            let tables = usize::from(u16::from_be_bytes([font[4], font[5]]));
            let mut font = font.to_vec();
            for record in 0..tables {
                let at = 12 + record * 16 + 8;
                let offset = u32::from_be_bytes(font[at..at + 4].try_into().unwrap()) + base;
                font[at..at + 4].copy_from_slice(&offset.to_be_bytes());
            }
            out.extend(font);
        }
        out
    }

    /// The bytes of a font whose family is called otherwise, in as many letters.
    fn renamed(font: &[u8], from: &str, to: &str) -> Vec<u8> {
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
        let (from, to) = (wide(from), wide(to));
        let mut font = font.to_vec();
        for at in 0..font.len() - from.len() {
            if font[at..at + from.len()] == from {
                font[at..at + from.len()].copy_from_slice(&to);
            }
        }
        font
    }

    #[test]
    fn the_korean_font_of_a_collection_is_taken() {
        let korean = renamed(BOLD_TTF, "Noto Sans", "Noto S KR");
        let bytes = collection(&[REGULAR_TTF, &korean, REGULAR_TTF]);
        assert!(is_korean(&face(&bytes).unwrap()));
        let bytes = collection(&[REGULAR_TTF, BOLD_TTF]);
        assert!(!face(&bytes).unwrap().is_bold());
    }
}
