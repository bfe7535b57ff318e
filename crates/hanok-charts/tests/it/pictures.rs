//! PNG.

use hanok_charts::{ChartError, Fonts, Style, Theme, png};

use crate::samples::charts;

fn size(bytes: &[u8]) -> (u32, u32) {
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[test]
fn every_kind_becomes_a_picture() {
    for (name, chart) in charts() {
        let picture = png(
            &chart,
            &Style { width: 400.0, theme: Theme::Dark, ..Style::default() },
            2.0,
            Fonts::default(),
        )
        .unwrap();
        assert!(
            picture.bytes.starts_with(b"\x89PNG\r\n\x1a\n") && picture.bytes.ends_with(b"IEND\xaeB`\x82"),
            "{name}"
        );
        assert_eq!(size(&picture.bytes).0, 800);
    }
}

#[test]
fn letters_without_a_font_are_told() {
    let picture = png(&charts().remove(0).1, &Style::default(), 1.0, Fonts::default()).unwrap();
    assert!(
        picture.missing.contains(&'혼') && !picture.missing.contains(&'d') && !picture.missing.contains(&'−')
    );
}

#[test]
fn bad_fonts_and_huge_pictures_are_refused() {
    let (_, chart) = charts().remove(0);
    let fonts = Fonts { files: &[b"not a font"] };
    assert!(matches!(png(&chart, &Style::default(), 1.0, fonts), Err(ChartError::Font { index: 0, .. })));
    let (_, chart) = charts().remove(14);
    let large = png(&chart, &Style { width: 4000.0, ..Style::default() }, 80.0, Fonts::default());
    assert!(matches!(large, Err(ChartError::Pixels { width: 32_000, .. })));
}
