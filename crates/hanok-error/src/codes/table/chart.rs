//! HK15xx: charts.

codes! { CODES:
    CHART_SPEC = "HK1501", "a chart's specification does not fit together",
        "Lists that belong together, such as the values and the inputs of a feature, have different lengths, or a grid of charts contains a grid.",
        "Correct the specification; the message names the list and the length that it needs.";
    CHART_FONT = "HK1502", "a font for a picture cannot be read",
        "A file given as a font is not a TrueType or OpenType font, or it is damaged.",
        "Give a .ttf or .otf file, or write SVG or HTML, where the reader's own fonts are used.";
    CHART_PIXELS = "HK1503", "a picture would be too large",
        "The width and the ratio of pixels together give more pixels than a picture may have.",
        "Choose a smaller width or ratio, show fewer rows, or write SVG, which has no pixels.";
}
