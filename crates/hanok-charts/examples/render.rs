//! Draws specifications: `cargo run --release --example render -- OUT WIDTH THEME LANGUAGE RATIO SPEC.json…`, where OUT is
//! `svg`, `html` or `png`; each file is written beside its specification. Fonts for PNG: `HANOK_FONT=FILE`.
#![expect(clippy::unwrap_used, reason = "an example ends at the first problem")]

use hanok_charts::{Chart, Fonts, Language, Style, Theme, html, png, svg};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [out, width, theme, language, ratio, specs @ ..] = &args[..] else { return };
    let theme = match theme.as_str() {
        "light" => Theme::Light,
        "dark" => Theme::Dark,
        _ => Theme::Auto,
    };
    let language = if language == "ko" { Language::Ko } else { Language::En };
    let style = Style { width: width.parse().unwrap(), theme, language };
    let font = std::env::var("HANOK_FONT").ok().map(|path| std::fs::read(path).unwrap());
    let files: Vec<&[u8]> = font.iter().map(Vec::as_slice).collect();
    for spec in specs {
        let chart: Chart = serde_json::from_str(&std::fs::read_to_string(spec).unwrap()).unwrap();
        let bytes = match out.as_str() {
            "svg" => svg(&chart, &style).unwrap().into_bytes(),
            "html" => html(&chart, &style).unwrap().into_bytes(),
            _ => png(&chart, &style, ratio.parse().unwrap(), Fonts { files: &files }).unwrap().bytes,
        };
        let name = spec.strip_suffix(".json").unwrap_or(spec);
        std::fs::write(format!("{name}-{width}-{theme:?}.{out}").to_lowercase(), bytes).unwrap();
    }
}
