//! Progress bars, one for each thing that is being worked on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hanok_engine::{Event, Observer};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Bars at a time; more would fill the screen.
const BARS_MAX: usize = 12;
/// How often a spinner turns.
const TICK: Duration = Duration::from_millis(100);

/// The bars of one command. They vanish when it ends.
pub(crate) struct Progress {
    bars: MultiProgress,
    open: Arc<Mutex<HashMap<(&'static str, String), ProgressBar>>>,
}

impl Progress {
    /// Bars among `bars`.
    pub(crate) fn new(bars: &MultiProgress) -> Self {
        Self { bars: bars.clone(), open: Arc::default() }
    }

    /// A spinner for work that reports no events. It ends when it is dropped.
    pub(crate) fn spinner(bars: &MultiProgress, text: &str) -> Spinner {
        let bar = bars.add(ProgressBar::new_spinner().with_style(style("{spinner} {msg}  {elapsed}")));
        bar.set_message(text.to_owned());
        bar.enable_steady_tick(TICK);
        Spinner(bar)
    }

    /// What the engine calls.
    pub(crate) fn observer(&self) -> Box<Observer> {
        let (bars, open) = (self.bars.clone(), Arc::clone(&self.open));
        Box::new(move |event| {
            if bars.is_hidden() {
                return;
            }
            let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
            match event {
                Event::Started { what, name, total } => {
                    if open.len() < BARS_MAX {
                        open.entry((what, name.to_owned())).or_insert_with(|| bar(&bars, what, name, total));
                    }
                }
                Event::Progress { what, name, done } => {
                    let known = open.contains_key(&(what, name.to_owned()));
                    if known || open.len() < BARS_MAX {
                        let entry = open.entry((what, name.to_owned()));
                        entry.or_insert_with(|| bar(&bars, what, name, None)).set_position(done);
                    }
                }
                Event::Finished { what, name, .. } => {
                    if let Some(bar) = open.remove(&(what, name.to_owned())) {
                        bar.finish_and_clear();
                    }
                }
            }
        })
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.drain().for_each(|(_, bar)| bar.finish_and_clear());
    }
}

/// A spinner that ends when it is dropped.
pub(crate) struct Spinner(ProgressBar);

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn bar(bars: &MultiProgress, what: &str, name: &str, total: Option<u64>) -> ProgressBar {
    let bar = match total {
        Some(total) => ProgressBar::new(total).with_style(
            style("{spinner} {prefix:7} {msg:32!} {bar:24} {percent:>3} %  {elapsed}, {eta} left")
                .progress_chars("━╸ "),
        ),
        None if matches!(what, "model" | "test" | "table") => {
            ProgressBar::new_spinner().with_style(style("{spinner} {prefix:5} {msg:32!} {elapsed}"))
        }
        None => ProgressBar::new_spinner()
            .with_style(style("{spinner} {prefix:5} {msg:32!} {human_pos:>13} rows  {elapsed}")),
    };
    let bar = bars.add(bar);
    bar.set_prefix(what.to_owned());
    bar.set_message(name.to_owned());
    bar.enable_steady_tick(TICK);
    bar
}

fn style(template: &str) -> ProgressStyle {
    // The templates are literals of this file, which the test below checks.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicatif::{ProgressDrawTarget, TermLike};
    use std::io;

    /// A terminal that remembers all that was ever written to it.
    #[derive(Clone, Debug, Default)]
    struct Screen(Arc<Mutex<String>>);

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            100
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn bars_come_move_and_go() {
        let screen = Screen::default();
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::term_like(Box::new(screen.clone())));
        let progress = Progress::new(&bars);
        let observer = progress.observer();
        observer(Event::Started { what: "load", name: "flights", total: None });
        observer(Event::Progress { what: "load", name: "flights", done: 1_234_567 });
        observer(Event::Started { what: "join", name: "training.parquet", total: Some(10) });
        observer(Event::Progress { what: "join", name: "training.parquet", done: 5 });
        std::thread::sleep(TICK * 4);
        let shown = screen.0.lock().unwrap().clone();
        assert!(shown.contains("flights") && shown.contains("1,234,567 rows"), "{shown}");
        assert!(shown.contains("50 %"), "{shown}");
        observer(Event::Finished { what: "load", name: "flights", rows: 1, ok: true });
        assert_eq!(progress.open.lock().unwrap().len(), 1);
        let open = Arc::clone(&progress.open);
        drop(progress);
        assert!(open.lock().unwrap().is_empty());
    }

    #[test]
    fn hidden_bars_cost_nothing() {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        let progress = Progress::new(&bars);
        progress.observer()(Event::Started { what: "load", name: "flights", total: None });
        assert!(progress.open.lock().unwrap().is_empty());
    }
}
