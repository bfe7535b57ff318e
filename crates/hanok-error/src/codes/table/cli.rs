//! HK09xx: the command line.

codes! { CODES:
    USAGE = "HK0901", "the command line is not understood",
        "An argument is missing, unknown or has the wrong form.",
        "Run the command with `--help`; it ends with examples.";
    RUNTIME = "HK0902", "the program cannot start its runtime",
        "The operating system refused threads or memory.",
        "Free resources and run the command again.";
    INTERRUPTED = "HK0903", "the command was interrupted",
        "Ctrl-C was pressed before the command had ended.",
        "Run it again: what was committed stays, and nothing half-written is kept.";
    INTERNAL = "HK0904", "the program met a fault of its own",
        "Something failed that no input should be able to cause.",
        "Report this as a bug, with the command and what it printed.";
    DEMO_FOLDER = "HK0905", "the demo's folder holds something else",
        "`hanok demo` never writes into a folder that is neither empty nor the demo's own.",
        "Choose another folder with `hanok demo --dir DIR`.";
    DEMO_LOOKUP = "HK0906", "the demo's server did not answer as it should",
        "The demo starts a server on the loopback address and reads one flight's features from it.",
        "Check that programs of this machine may connect to 127.0.0.1, and run `hanok demo` again.";
}
