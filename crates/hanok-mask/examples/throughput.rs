//! Values a second of each treatment on one core: `cargo run --release -p hanok-mask --example throughput`.
//!
//! A million distinct values, in batches of 65,536 as the lake reads them, and the same with 1,000 distinct values. The best
//! of three rounds counts.

#![expect(clippy::print_stdout, reason = "printing figures is what the example is for")]

use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};
use hanok_mask::{Key, Masker, RowIds, Treatment};

const VALUES: usize = 1 << 20;
const BATCH: usize = 1 << 16;
const ROUNDS: usize = 3;

/// Text of row `at` for a treatment.
fn sample(treatment: &str, at: usize) -> String {
    if treatment.contains("phone") {
        format!("010-{:04}-{:04}", 2000 + at / 10_000 % 8000, at % 10_000)
    } else if treatment.contains("resident") {
        format!("{:02}{:02}{:02}-1{:06}", at % 100, at % 12 + 1, at % 28 + 1, at % 1_000_000)
    } else if treatment.contains("upper") {
        format!("A{at:07}Z-KR")
    } else if treatment.contains("text") {
        format!("상담 기록 {at}: 오늘은 점심을 먹지 않았고 보건실에 두 번 다녀감")
    } else if treatment.contains("parts") {
        format!("경기도 수원시 영통구 {}로 {}", at % 1000, at)
    } else {
        format!("{}-{:07}", 2000 + at % 26, at)
    }
}

fn column(treatment: &str, integers: bool, distinct: usize) -> ArrayRef {
    let rows = (0..VALUES).map(|row| row % distinct);
    if treatment.contains("bucket") || treatment.contains("band") || treatment.contains("percent") {
        return Arc::new(Float64Array::from_iter_values(rows.map(|at| at as f64 * 1.1)));
    }
    if treatment.contains("days") || treatment.contains("date") {
        let micros = rows.map(|at| at as i64 * 60_000_000);
        return Arc::new(TimestampMicrosecondArray::from_iter_values(micros).with_timezone("Asia/Seoul"));
    }
    if integers {
        return Arc::new(Int64Array::from_iter_values(rows.map(|at| at as i64)));
    }
    Arc::new(StringArray::from_iter_values(rows.map(|at| sample(treatment, at))))
}

fn measure(treatment: &str, integers: bool, distinct: usize) -> f64 {
    let key = Key::new([42; 32]);
    let column = column(treatment, integers, distinct);
    let parsed: Treatment = treatment.parse().expect("a treatment");
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..VALUES as i64));
    let rows =
        parsed.name().eq("noise").then(|| RowIds::new(&key, &[ids.slice(0, BATCH)]).expect("identities"));
    let batch = if parsed.needs_column() { VALUES } else { BATCH };
    let best = (0..ROUNDS).map(|_| {
        let begun = Instant::now();
        let mut masker = Masker::new(&parsed, &key, "example");
        for start in (0..VALUES).step_by(batch) {
            let masked = masker.apply(&column.slice(start, batch), rows.as_ref()).expect("a masked column");
            std::hint::black_box(masked);
        }
        begun.elapsed().as_secs_f64()
    });
    VALUES as f64 / best.fold(f64::INFINITY, f64::min)
}

fn main() {
    println!("{:48} {:>14} {:>14}", "treatment", "distinct/s", "repeated/s");
    let text = [
        "hash(length=32)",
        "fpe",
        "fpe(alphabet=digits)",
        "fpe(alphabet=upper)",
        "fake(kind=name)",
        "fake(kind=name, unique)",
        "fake(kind=name, locale=en)",
        "fake(kind=phone)",
        "fake(kind=phone, unique)",
        "fake(kind=address)",
        "fake(kind=email)",
        "fake(kind=company)",
        "fake(kind=student_number)",
        "fake(kind=student_number, unique)",
        "fake(kind=resident_number)",
        "fake(kind=text)",
        "noise(percent=5)",
        "noise(percent=5, distribution=laplace)",
        "noise(days=30)",
        "generalise(bucket=10)",
        "generalise(band=10)",
        "generalise(date=month)",
        "generalise(prefix=3)",
        "generalise(parts=2)",
        "generalise(rare=5)",
        "shuffle",
    ];
    let cases = text.iter().map(|treatment| (*treatment, false));
    let integers = ["hash", "fpe(digits=9)", "fpe(digits=18)", "fpe(digits=5)", "noise", "shuffle"];
    for (treatment, integer) in cases.chain(integers.iter().map(|treatment| (*treatment, true))) {
        // Integers of five digits: no more distinct values than there are.
        let distinct = if treatment.contains("digits=5") { 100_000 } else { VALUES };
        let (all, few) = (measure(treatment, integer, distinct), measure(treatment, integer, 1_000));
        let name = if integer { format!("{treatment}, integers") } else { treatment.to_owned() };
        println!("{name:48} {all:>14.0} {few:>14.0}");
    }
}
