//! Pieces of HTML that is well-formed XML too. Every text of the caller's comes through [`text`] or [`name`].

use hanok_charts::escaped;

/// Characters of a name that are shown; more are in its title.
const NAME_MAX: usize = 64;
/// Characters of any other text that are shown.
const TEXT_MAX: usize = 400;

/// A text, escaped.
pub(crate) fn text(text: &str) -> String {
    escaped(&shortened(text, TEXT_MAX))
}

/// A name of the data's: a column, a category, a table. Shortened in the middle, with all of it as title; where there is little room it
/// is broken after an underscore or a slash.
pub(crate) fn name(text: &str) -> String {
    let short = shortened(text, NAME_MAX);
    let title = if short == text { String::new() } else { format!(" title=\"{}\"", escaped(text)) };
    let shown = if text.trim().is_empty() { "␣".to_owned() } else { escaped(&short) };
    format!("<code{title}>{}</code>", shown.replace('/', "/<wbr/>").replace('_', "_<wbr/>"))
}

/// Not more characters than `most`: the middle is left out.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let (head, tail) = (most / 2, most - most / 2 - 1);
    text.chars().take(head).chain(['…']).chain(text.chars().skip(length - tail)).collect()
}

/// A cell of a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    html: String,
    class: &'static str,
}

/// A cell of words.
pub(crate) fn cell(html: impl Into<String>) -> Cell {
    Cell { html: html.into(), class: "" }
}

/// A cell of a number.
pub(crate) fn figure(html: impl Into<String>) -> Cell {
    Cell { html: html.into(), class: "num" }
}

impl Cell {
    /// Of a class of the style sheet's.
    pub(crate) fn class(self, class: &'static str) -> Cell {
        Cell { class, ..self }
    }
}

/// A row of a table: its first cell names it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    /// Of the style sheet's.
    pub(crate) class: &'static str,
    /// As many as the table has heads.
    pub(crate) cells: Vec<Cell>,
}

impl From<Vec<Cell>> for Row {
    fn from(cells: Vec<Cell>) -> Row {
        Row { class: "", cells }
    }
}

/// The class of tables of which a phone makes a block of each row, in which every cell has its head beside it.
const STACK: &str = "stack";

/// A table. Roles keep one of the class `stack` a table for screen readers when its rows become blocks.
pub(crate) fn table(class: &str, caption: &str, heads: &[&str], rows: &[Row]) -> String {
    let is_stack = class.contains(STACK);
    let role = |role: &str| if is_stack { format!(" role=\"{role}\"") } else { String::new() };
    let mut out = format!("<table class=\"{class}\"{}>\n", role("table"));
    if !caption.is_empty() {
        out += &format!("<caption>{caption}</caption>\n");
    }
    out += &format!("<thead{}><tr{}>", role("rowgroup"), role("row"));
    for (at, head) in heads.iter().enumerate() {
        let class = rows.first().and_then(|row| row.cells.get(at)).map_or("", |cell| cell.class);
        out += &format!("<th scope=\"col\"{}{}>{head}</th>", role("columnheader"), classed(class));
    }
    out += &format!("</tr></thead>\n<tbody{}>\n", role("rowgroup"));
    for row in rows {
        out += &format!("<tr{}{}>", role("row"), classed(row.class));
        for (at, cell) in row.cells.iter().enumerate() {
            let class = classed(cell.class);
            out += &match heads.get(at) {
                _ if at == 0 => format!("<th scope=\"row\"{}{class}>{}</th>", role("rowheader"), cell.html),
                Some(head) if is_stack => {
                    format!("<td role=\"cell\"{class} data-label=\"{head}\">{}</td>", cell.html)
                }
                _ => format!("<td{class}>{}</td>", cell.html),
            };
        }
        out += "</tr>\n";
    }
    out + "</tbody>\n</table>\n"
}

fn classed(class: &str) -> String {
    if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") }
}

/// What opens when it is asked for.
pub(crate) fn details(summary: &str, body: &str) -> String {
    format!("<details>\n<summary>{summary}</summary>\n{body}</details>\n")
}

/// A part of the page with its heading.
pub(crate) fn section(id: &str, heading: &str, body: &str) -> String {
    format!(
        "<section id=\"{id}\" aria-labelledby=\"h-{id}\">\n<h2 id=\"h-{id}\">{heading}</h2>\n{body}</section>\n"
    )
}

/// A paragraph, of nothing when there is nothing to say.
pub(crate) fn paragraph(class: &str, html: &str) -> String {
    if html.is_empty() { String::new() } else { format!("<p{}>{html}</p>\n", classed(class)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_long_ones_keep_both_ends() {
        assert_eq!(name("a<b>&\"'"), "<code>a&lt;b&gt;&amp;&quot;&#39;</code>");
        assert_eq!(name(" "), "<code>␣</code>");
        assert_eq!(name("dep_delay"), "<code>dep_<wbr/>delay</code>");
        let long = format!("가{}나", "x".repeat(200));
        assert!(name(&long).contains(&format!("title=\"{long}\"")), "{}", name(&long));
        let short = shortened(&long, 9);
        assert_eq!((short.chars().count(), short.as_str()), (9, "가xxx…xxx나"));
    }
}
