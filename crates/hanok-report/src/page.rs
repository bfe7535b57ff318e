//! The page around a report, and pictures in it.

use hanok_charts::{Chart, Language, Style, Theme, colours, document, svg};

use crate::error::ReportError;
use crate::figures::count;
use crate::input::Side;
use crate::markup::{Row, cell, name, table, text};
use crate::words::{Word, Words};

/// Width of a picture in a card, which is that of a phone.
const CARD: f64 = 360.0;

/// The whole page.
pub(crate) fn page(title: &str, language: Language, main: &str) -> String {
    let style = Style { language, ..Style::default() };
    let css = format!("{}{}", colours(Theme::Auto), include_str!("style.css"));
    document(title, &style, &css, &format!("<main>\n{main}</main>\n"))
}

/// A picture of a card's width. Errors name what it shows.
pub(crate) fn picture(of: &str, chart: &Chart, language: Language) -> Result<String, ReportError> {
    let drawn = svg(chart, &Style { width: CARD, theme: Theme::Auto, language })
        .map_err(|problem| ReportError::Picture { of: of.to_owned(), problem })?;
    // Its heading is the page's, yet it is to be named for who does not see it.
    Ok(drawn.replacen("<title></title>", &format!("<title>{}</title>", text(of)), 1))
}

/// What comes first: the verdict in a word, what the report is of, a sentence, and counts.
pub(crate) struct Banner<'a> {
    /// Class of the style sheet's.
    pub(crate) class: &'a str,
    /// The verdict.
    pub(crate) verdict: &'a str,
    /// Plain text.
    pub(crate) title: &'a str,
    /// HTML: one sentence.
    pub(crate) lead: String,
    /// HTML: further paragraphs.
    pub(crate) more: Vec<String>,
    /// Class, number and noun.
    pub(crate) counts: Vec<(&'a str, u64, &'a str)>,
}

impl Banner<'_> {
    pub(crate) fn html(&self) -> String {
        let mut out = format!(
            "<header class=\"banner {0}\">\n<div class=\"head\"><span class=\"badge {0}\">{1}</span><h1>{2}</h1></div>\n<p class=\"lead\">{3}</p>\n",
            self.class,
            self.verdict,
            text(self.title),
            self.lead
        );
        for more in self.more.iter().filter(|more| !more.is_empty()) {
            out += &format!("<p>{more}</p>\n");
        }
        out += "<ul class=\"counts\">\n";
        for (class, count, noun) in &self.counts {
            out += &format!(
                "<li class=\"{class}\"><span class=\"badge {class}\"><b>{}</b> {noun}</span></li>\n",
                crate::figures::count(*count)
            );
        }
        out + "</ul>\n</header>\n"
    }
}

/// What a side is, and what it is called if it has a name.
pub(crate) fn named(what: &str, name: &str) -> String {
    if name.trim().is_empty() { format!("<b>{what}</b>") } else { format!("{what} <b>{}</b>", text(name)) }
}

/// A sum of a file: long and seldom read.
pub(crate) fn hash(hash: &str) -> String {
    format!("<small>{}</small>", text(hash))
}

/// Two things beside each other, without the lines that neither has.
pub(crate) fn facts<const N: usize>(
    lines: [(Word, [Option<String>; 2]); N],
    heads: &[&str; 2],
    words: Words,
) -> String {
    let lines: Vec<Row> = lines
        .into_iter()
        .filter(|(_, values)| values.iter().any(Option::is_some))
        .map(|(word, values)| {
            let [first, second] = values.map(|value| cell(value.unwrap_or_else(|| "–".to_owned())));
            vec![cell(words.of(word)), first, second].into()
        })
        .collect();
    table("facts", "", &["", heads[0], heads[1]], &lines)
}

/// What the caller knows of both sides, beside each other; `rows` are those of the sides.
pub(crate) fn sides(sides: &[Side; 2], heads: [Word; 2], words: Words, rows: &[Option<u64>; 2]) -> String {
    let texts = |of: &dyn Fn(&Side) -> Option<String>| sides.each_ref().map(of);
    let lines = [
        (Word::Table, texts(&|side| side.table.as_deref().map(name))),
        (Word::Version, texts(&|side| side.version.as_deref().map(text))),
        (Word::Time, texts(&|side| side.time.as_ref().map(|[from, to]| text(&format!("{from} – {to}"))))),
        (Word::Filter, texts(&|side| side.filter.as_deref().map(name))),
        (Word::Rows, rows.map(|rows| rows.map(count))),
        (Word::Hash, texts(&|side| side.hash.as_deref().map(hash))),
    ];
    let head = |at: usize| {
        let own = text(&sides[at].name);
        if own.is_empty() {
            words.of(heads[at]).to_owned()
        } else {
            format!("{}: {own}", words.of(heads[at]))
        }
    };
    facts(lines, &[&head(0), &head(1)], words)
}
