//! HK09xx: the command line.

codes! { CODES:
    USAGE = "HK0901", "the command line is not understood",
        "An argument is missing, unknown or has the wrong form.",
        "Run the command with `--help`; it ends with examples.";
    RUNTIME = "HK0902", "the program cannot start its runtime",
        "The operating system refused threads or memory.",
        "Free resources and run the command again.";
}
