//! Files to batches.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampNanosecondArray, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use hanok_error::Coded as _;
use hanok_load::{ColumnType, Contract, FileBatches, Format, Limits, Policy, ReadError, ReadOptions};
use proptest::prelude::*;

use crate::support::{Out, gzip, read, write, zip};

fn csv(content: &str, options: &ReadOptions) -> Out {
    let folder = tempfile::tempdir().unwrap();
    read(&[write(folder.path(), "t.csv", content.as_bytes())], options, None).unwrap()
}

fn small_blocks() -> ReadOptions {
    ReadOptions { limits: Limits { block_bytes: 64, ..Limits::default() }, ..ReadOptions::default() }
}

fn schema(columns: &[(&str, DataType)]) -> SchemaRef {
    Arc::new(Schema::new(columns.iter().map(|(n, t)| Field::new(*n, t.clone(), true)).collect::<Vec<_>>()))
}

fn contract(columns: Policy, types: Policy) -> ReadOptions {
    ReadOptions { contract: Contract { columns, types }, ..ReadOptions::default() }
}

#[test]
fn types_are_inferred_and_nulls_found() {
    let out = csv(
        "i,f,b,d,t,s,code,empty\n1,1.5,true,2013-01-01,2013-01-01 05:00,x,0517,\n2,,false,2013-01-02,2013-01-01T05:00:00Z,\"a,\"\"b\",1,\n",
        &ReadOptions::default(),
    );
    assert_eq!(
        out.types(),
        [
            "i:int64",
            "f:float64",
            "b:bool",
            "d:date",
            "t:timestamp",
            "s:string",
            "code:string",
            "empty:string"
        ]
    );
    assert_eq!(out.rows()[1], ["2", "∅", "false", "2013-01-02", "2013-01-01T05:00:00Z", "a,\"b", "1", "∅"]);
    assert_eq!((out.restarts, out.rejects.len()), (0, 0));
}

#[test]
fn a_late_misfit_widens_in_a_second_pass() {
    let mut text = "a,b\n".to_owned();
    (0..5000).for_each(|n| text += &format!("{n},2013-01-01\n"));
    text += "1.5,2013-01-01T00:00:01Z\n";
    (0..5000).for_each(|n| text += &format!("{n},2013-01-01\n"));
    text += "7,x\n";
    let out = csv(&text, &small_blocks());
    assert_eq!(out.types(), ["a:float64", "b:string"]);
    assert_eq!((out.restarts, out.batch.num_rows()), (1, 10_002));
    assert_eq!(out.rows()[0], ["0.0", "2013-01-01"]);
    // An integer that no float holds, before the first fraction.
    let mut text = format!("a\n{}\n", i64::MAX);
    (0..5000).for_each(|n| text += &format!("{n}\n"));
    text += "0.5\n";
    assert_eq!(csv(&text, &small_blocks()).types(), ["a:string"]);
}

#[test]
fn bad_rows_become_rejects_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let text = b"a,b\r\n1,2\r\n3\r\n\"x\ny\",4\r\n5,6,7\r\n8,\xff\r\n9,\"10\r\n11,12\r\n";
    let path = write(folder.path(), "t.csv", text);
    for block_bytes in [1, 7, 20, 1 << 20] {
        let limits = Limits { block_bytes, ..Limits::default() };
        let out = read(std::slice::from_ref(&path), &ReadOptions { limits, ..ReadOptions::default() }, None)
            .unwrap();
        assert_eq!(out.rows(), [["1", "2"], ["x\ny", "4"], ["11", "12"]]);
        assert_eq!(
            out.reasons(),
            [
                (3, "expected 2 fields, found 1"),
                (6, "expected 2 fields, found 3"),
                (7, "bytes that are not valid utf-8"),
                (8, "unterminated quote"),
            ]
        );
        let raw: Vec<&str> = out.rejects.iter().map(|reject| reject.raw.as_str()).collect();
        assert_eq!(raw, ["3", "5,6,7", "8,\u{fffd}", "9,\"10"]);
    }
}

#[test]
fn declared_types_are_lenient_and_misfits_are_rejected() {
    let columns = [("a".into(), ColumnType::Int64), ("B".into(), ColumnType::Float64)].into();
    let options = ReadOptions { columns, ..ReadOptions::default() };
    let out = csv("a,b,c\n0517,1,x\nabc,2,y\n +3,12345678901234567890,z\n4,?,w\n", &options);
    assert_eq!(out.types(), ["a:int64", "b:float64", "c:string"]);
    assert_eq!(out.rows(), [["517", "1.0", "x"], ["3", "1.2345678901234567e19", "z"]]);
    assert_eq!(
        out.reasons(),
        [(3, "`abc` in column `a` is no int64"), (5, "`?` in column `b` is no float64")]
    );
}

#[test]
fn options_of_csv() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = ReadOptions::default();
    options.csv.delimiter = Some(b';');
    options.csv.header = false;
    options.csv.quote = Some(b'\'');
    options.csv.nulls = vec!["NA".into(), "-".into()];
    options.csv.encoding = "euc-kr".into();
    let (text, _, _) = encoding_rs::EUC_KR.encode("한글;NA;'a;b'\n둘;-;\n");
    let path = write(folder.path(), "t.csv", &text);
    let out = read(&[path], &options, None).unwrap();
    assert_eq!(out.types(), ["column_1:string", "column_2:string", "column_3:string"]);
    assert_eq!(out.rows(), [["한글", "∅", "a;b"], ["둘", "∅", ""]]);
    let bad = write(folder.path(), "bad.csv", b"\xc7\xd1;1;2\n\xff\xff;1;2\n");
    let out = read(&[bad], &options, None).unwrap();
    assert_eq!(out.reasons(), [(2, "bytes that are not valid euc-kr")]);
    assert_eq!(out.rows()[0][0], "한");
}

#[test]
fn marks_tabs_and_utf_16() {
    let folder = tempfile::tempdir().unwrap();
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain("a,b\n1,가\n".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let files = [
        write(folder.path(), "1.csv", b"\xef\xbb\xbfa,b\n1,x\n"),
        write(folder.path(), "2.tsv", b"a\tb\n2\t\"y\tz\"\n"),
        write(folder.path(), "3.csv", &utf16),
    ];
    let out = read(&files, &ReadOptions::default(), None).unwrap();
    assert_eq!(out.types(), ["a:int64", "b:string"]);
    assert_eq!(out.rows(), [["1", "x"], ["2", "y\tz"], ["1", "가"]]);
}

#[test]
fn several_files_merge_into_one_schema() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        write(folder.path(), "1.csv", b"a,b\n1,2\n"),
        write(folder.path(), "2.csv.gz", &gzip(b"b,c\n2.5,x\n")),
        write(
            folder.path(),
            "3.csv.zip",
            &zip(&[("z.csv", b"a\n7\n"), ("readme.md", b"#"), ("a.csv", b"a\n6\n")]),
        ),
        write(folder.path(), "4.csv", b""),
        write(folder.path(), "5.csv", b"a,b\n"),
    ];
    let out = read(&files, &ReadOptions::default(), None).unwrap();
    assert_eq!(out.types(), ["a:int64", "b:float64", "c:string"]);
    assert_eq!(out.rows(), [["1", "2.0", "∅"], ["∅", "2.5", "x"], ["6", "∅", "∅"], ["7", "∅", "∅"]]);
    assert_eq!(out.restarts, 0);
}

#[test]
fn names_are_made_usable_and_distinct() {
    let out = csv("id,ID,Dep. delay,,id,_hanok_load_id\n1,2,3,4,5,6\n", &ReadOptions::default());
    let names: Vec<_> = out.batch.schema().fields().iter().map(|f| f.name().clone()).collect();
    assert_eq!(names, ["id", "ID_2", "Dep_delay", "column_4", "id_5", "_hanok_load_id_2"]);
}

#[test]
fn corrupt_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "a,b\n".to_owned();
    (0..200_000).for_each(|n| text += &format!("{n},{}\n", n * 7919 % 10_007));
    let packed = gzip(text.as_bytes());
    let mut flipped = packed.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let zipped = zip(&[("t.csv", text.as_bytes())]);
    let mut bad_member = zipped.clone();
    bad_member[20_000] ^= 0x55;
    for (name, content) in [
        ("cut.csv.gz", &packed[..packed.len() / 2]),
        ("tail.csv.gz", &packed[..packed.len() - 3]),
        ("sum.csv.gz", &flipped[..]),
        ("cut.csv.zip", &zipped[..zipped.len() / 2]),
        ("member.csv.zip", &bad_member[..]),
        ("page.csv.gz", b"<html>not found</html>"),
        ("none.csv.gz", b""),
        ("cut.parquet", b"PAR1abc"),
        ("none.parquet", b""),
    ] {
        let path = write(folder.path(), name, content);
        let error = read(&[path], &ReadOptions::default(), None).unwrap_err();
        assert_eq!(error.code().0, "HK0302", "{name}: {error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    let missing = read(&[folder.path().join("missing.csv")], &ReadOptions::default(), None).unwrap_err();
    assert_eq!(missing.code().0, "HK0301");
}

#[test]
fn a_table_s_contract_evolve() {
    let existing = schema(&[("a", DataType::Int64), ("gone", DataType::Utf8), ("s", DataType::Utf8)]);
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "t.csv", b"a,s,n\n1,5,1\nx,6,\n2.5,7,2\n0517,8,3\n");
    let out = read(&[path], &ReadOptions::default(), Some(existing)).unwrap();
    assert_eq!(out.types(), ["a:int64", "gone:string", "s:string", "n:int64", "a__v_string:string"]);
    assert_eq!(out.rows()[0], ["1", "∅", "5", "1", "∅"]);
    assert_eq!(out.rows()[1], ["∅", "∅", "6", "∅", "x"]);
    assert_eq!(out.rows()[3], ["∅", "∅", "8", "3", "0517"]);
    assert!(out.rejects.is_empty());
}

#[test]
fn objects_that_fit_a_table_add_only_what_is_new() {
    let existing = schema(&[("a", DataType::Int64), ("s", DataType::Utf8), ("f", DataType::Float64)]);
    let folder = tempfile::tempdir().unwrap();
    let read = |text: &[u8]| {
        let path = write(folder.path(), "t.jsonl", text);
        read(&[path], &small_blocks(), Some(existing.clone())).unwrap()
    };
    let mut text = String::new();
    (0..500).for_each(|n| text += &format!("{{\"a\": {n}, \"s\": \"x\", \"f\": {n}}}\n"));
    let same = read(text.as_bytes());
    assert_eq!(same.types(), ["a:int64", "s:string", "f:float64"]);
    assert_eq!(same.rows().len(), 500);
    // New, and wider at the end: what was begun anew adds no more.
    text += "{\"a\": 1, \"new\": 1}\n{\"a\": 2, \"new\": 1.5}\n";
    let new = read(text.as_bytes());
    assert_eq!(new.types(), ["a:int64", "s:string", "f:float64", "new:float64"]);
    text += "{\"a\": \"b\"}\n";
    let misfit = read(text.as_bytes());
    assert_eq!(misfit.types(), ["a:int64", "s:string", "f:float64", "new:float64", "a__v_string:string"]);
    assert_eq!(misfit.rows()[502], ["∅", "∅", "∅", "∅", "b"]);
}

#[test]
fn a_variant_column_that_the_table_has_is_used_again() {
    let existing = schema(&[("a", DataType::Int64), ("a__v_float64", DataType::Float64)]);
    let folder = tempfile::tempdir().unwrap();
    let mut text = "a\n".to_owned();
    (0..500).for_each(|n| text += &format!("{n}\n"));
    text += "2.5\n";
    let path = write(folder.path(), "t.csv", text.as_bytes());
    let out = read(&[path], &small_blocks(), Some(existing)).unwrap();
    assert_eq!(out.types(), ["a:int64", "a__v_float64:float64"]);
    assert_eq!(out.rows()[500], ["∅", "2.5"]);
    assert_eq!(out.restarts, 1);
}

#[test]
fn a_table_s_contract_freeze_and_discard() {
    let existing = schema(&[("a", DataType::Int64)]);
    let folder = tempfile::tempdir().unwrap();
    let types = write(folder.path(), "types.csv", b"a\n1\nx\n");
    let columns = write(folder.path(), "columns.csv", b"a,n\n1,\n2,x\n");
    let frozen = contract(Policy::Freeze, Policy::Freeze);
    for path in [&types, &columns] {
        let error = read(std::slice::from_ref(path), &frozen, Some(existing.clone())).unwrap_err();
        assert_eq!(error.code().0, "HK0305", "{error}");
    }
    let error = read(std::slice::from_ref(&types), &frozen, Some(existing.clone())).unwrap_err();
    assert!(error.place().unwrap().ends_with("types.csv:3"));
    let discard = contract(Policy::DiscardRow, Policy::DiscardRow);
    let out = read(&[types, columns], &discard, Some(existing)).unwrap();
    assert_eq!(out.types(), ["a:int64"]);
    assert_eq!(out.rows(), [["1"], ["1"]]);
    assert_eq!(
        out.reasons(),
        [(3, "`x` in column `a` is no int64"), (3, "the table has no column `n` for `x`")]
    );
}

#[test]
fn json_lines() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        br#"{"id": 1, "name": "a\n\u00e9", "tags": ["x", {"y": 1}], "ok": true, "at": "2013-01-01T05:00:00Z"}
{"id": 2.5, "name": "0517", "extra": null, "ok": false, "at": "2013-01-02"}

[1, 2]
{"id": 3, "id": 4, "late": 7, "name": "1"}
{"id": 1
"#;
    let path = write(folder.path(), "t.jsonl", text);
    for block_bytes in [1, 64, 1 << 20] {
        let limits = Limits { block_bytes, ..Limits::default() };
        let out = read(std::slice::from_ref(&path), &ReadOptions { limits, ..ReadOptions::default() }, None)
            .unwrap();
        assert_eq!(
            out.types(),
            ["id:float64", "name:string", "tags:string", "ok:bool", "at:timestamp", "late:int64"]
        );
        assert_eq!(
            out.rows()[0],
            ["1.0", "a\né", "[\"x\", {\"y\": 1}]", "true", "2013-01-01T05:00:00Z", "∅"]
        );
        assert_eq!(out.rows()[2], ["4.0", "1", "∅", "∅", "∅", "7"]);
        assert_eq!(out.reasons()[0], (4, "not a JSON object"));
        assert_eq!(out.rejects[1].line, 6);
    }
}

#[test]
fn json_strings_are_no_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "t.jsonl", b"{\"a\":\"1\",\"b\":1}\n{\"a\":\"2\",\"b\":\"x\"}\n");
    let out = read(&[path], &ReadOptions::default(), None).unwrap();
    assert_eq!(out.types(), ["a:string", "b:string"]);
    assert_eq!(out.rows(), [["1", "1"], ["2", "x"]]);
}

fn parquet(folder: &std::path::Path, name: &str, columns: Vec<(&str, ArrayRef)>) -> std::path::PathBuf {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let path = folder.join(name);
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path
}

#[test]
fn parquet_files_take_the_lake_s_types_and_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        parquet(
            folder.path(),
            "1.parquet",
            vec![
                ("a", Arc::new(UInt32Array::from(vec![1, 2]))),
                ("t", Arc::new(TimestampNanosecondArray::from(vec![Some(1_500), Some(-1)]))),
            ],
        ),
        parquet(
            folder.path(),
            "2.parquet",
            vec![("a", Arc::new(StringArray::from(vec!["x", "3"])) as ArrayRef)],
        ),
    ];
    let out = read(&files, &ReadOptions::default(), None).unwrap();
    assert_eq!(out.types(), ["a:string", "t:timestamp"]);
    assert_eq!(out.rows()[0], ["1", "1970-01-01T00:00:00.000001Z"]);
    assert_eq!(out.rows()[1], ["2", "1969-12-31T23:59:59.999999Z"]);
    let existing = schema(&[("a", DataType::Int64)]);
    let out = read(&files, &ReadOptions::default(), Some(existing.clone())).unwrap();
    assert_eq!(out.types(), ["a:int64", "a__v_string:string", "t:timestamp"]);
    assert_eq!(out.rows()[2], ["∅", "x", "∅"]);
    let error = read(&files, &contract(Policy::Evolve, Policy::Freeze), Some(existing.clone())).unwrap_err();
    assert!(matches!(error, ReadError::FrozenType { .. }));
    let out = read(&files, &contract(Policy::Evolve, Policy::DiscardRow), Some(existing)).unwrap();
    assert_eq!((out.batch.num_rows(), out.rejects.len()), (2, 2));
    assert_eq!(out.rejects[0].raw, "{\"a\":\"x\"}");
    let declared =
        ReadOptions { columns: [("a".into(), ColumnType::Int64)].into(), ..ReadOptions::default() };
    let out = read(&files, &declared, None).unwrap();
    assert_eq!(out.rows().iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), ["1", "2", "3"]);
    assert_eq!(out.reasons(), [(1, "the value in column `a` is no int64")]);
}

#[test]
fn options_that_cannot_be_are_coded() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "t.csv", b"a\n1\n");
    let mut options = ReadOptions::default();
    options.csv.delimiter = Some(b'"');
    assert_eq!(
        FileBatches::open(std::slice::from_ref(&path), options, None).err().unwrap().code().0,
        "HK0303"
    );
    let mut options = ReadOptions::default();
    options.csv.encoding = "klingon".into();
    assert_eq!(
        FileBatches::open(std::slice::from_ref(&path), options, None).err().unwrap().code().0,
        "HK0303"
    );
    let options =
        ReadOptions { limits: Limits { columns_max: 1, ..Limits::default() }, ..ReadOptions::default() };
    let path = write(folder.path(), "t.jsonl", b"{\"a\":1,\"b\":2}\n");
    assert_eq!(FileBatches::open(&[path], options, None).err().unwrap().code().0, "HK0306");
}

#[test]
fn a_reader_that_is_dropped_midway_ends_its_threads() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "t.csv", "a,b\n1,2\n".repeat(200_000).as_bytes());
    let mut reader = FileBatches::open(std::slice::from_ref(&path), small_blocks(), None).unwrap();
    assert!(reader.next().is_some());
    drop(reader);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut channel = FileBatches::open(&[path], small_blocks(), None).unwrap().into_channel(1);
    assert!(runtime.block_on(channel.recv()).is_some());
}

#[test]
#[cfg(target_os = "linux")]
fn memory_does_not_grow_with_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv.gz");
    {
        use std::io::Write as _;
        let file = std::fs::File::create(&path).unwrap();
        let mut packer =
            flate2::write::GzEncoder::new(std::io::BufWriter::new(file), flate2::Compression::fast());
        packer.write_all(b"a,b\n1,2\n").unwrap();
        let line = vec![b'x'; 1 << 20];
        (0..1024).for_each(|_| packer.write_all(&line).unwrap());
        packer.write_all(b"\n3,4\n").unwrap();
        packer.finish().unwrap();
    }
    let out = read(&[path], &ReadOptions::default(), None).unwrap();
    assert_eq!(out.rows(), [["1", "2"], ["3", "4"]]);
    assert_eq!(out.reasons(), [(3, "the row is longer than 16777216 bytes")]);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak_kb: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak_kb < 400 << 10, "peak {peak_kb} kB");
}

fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z ,\"\n가]{0,6}",
        "-?[0-9]{1,4}",
        "[0-9]{1,3}\\.[0-9]{1,2}",
        Just("true".to_owned()),
        Just("2013-01-01".to_owned()),
        Just("2013-01-01T01:02:03Z".to_owned()),
        Just(String::new()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn files_equal_the_csv_crate(
        table in (1usize..5).prop_flat_map(|fields| {
            prop::collection::vec(prop::collection::vec(field(), fields), 1..40)
        }),
        block_bytes in 1usize..200,
        crlf: bool,
        mark: bool,
        threads in 1usize..4,
    ) {
        let fields = table[0].len();
        let mut writer = csv::WriterBuilder::new()
            .terminator(if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') })
            .from_writer(if mark { b"\xef\xbb\xbf".to_vec() } else { Vec::new() });
        writer.write_record((0..fields).map(|n| format!("c{n}"))).unwrap();
        table.iter().for_each(|row| writer.write_record(row).unwrap());
        let content = writer.into_inner().unwrap();

        let folder = tempfile::tempdir().unwrap();
        let path = write(folder.path(), "t.csv", &content);
        let limits = Limits { block_bytes, threads, ..Limits::default() };
        let mut options = ReadOptions { format: Some(Format::Csv), limits, ..ReadOptions::default() };
        // As text, all fields come out as they went in.
        options.columns = (0..fields).map(|n| (format!("c{n}"), ColumnType::String)).collect();
        let out = read(std::slice::from_ref(&path), &options, None).unwrap();
        let expected: Vec<Vec<String>> = table.iter()
            .map(|row| row.iter().map(|f| if f.is_empty() { "∅".into() } else { f.clone() }).collect())
            .collect();
        prop_assert!(out.rejects.is_empty());
        prop_assert_eq!(out.rows(), expected);

        // Inferred: the type of each column is the narrowest, whatever the blocks.
        options.columns.clear();
        let out = read(&[path], &options, None).unwrap();
        for column in 0..fields {
            let values: Vec<&str> = table.iter().map(|row| row[column].as_str()).filter(|v| !v.is_empty()).collect();
            let all = |test: &dyn Fn(&str) -> bool| values.iter().all(|value| test(value));
            let int = |v: &str| v.parse::<i64>().is_ok_and(|n| n.to_string() == v);
            let float = |v: &str| int(v) || v == "-0" || (v.parse::<f64>().is_ok() && v.contains('.')
                && (!v.starts_with('0') || v.starts_with("0.")));
            let date = |v: &str| v == "2013-01-01";
            let expected = if values.is_empty() { "string" }
                else if all(&|v| v == "true") { "bool" }
                else if all(&int) { "int64" }
                else if all(&float) { "float64" }
                else if all(&date) { "date" }
                else if all(&|v| date(v) || v == "2013-01-01T01:02:03Z") { "timestamp" }
                else { "string" };
            prop_assert_eq!(&out.types()[column], &format!("c{column}:{expected}"));
        }
        prop_assert_eq!(out.batch.num_rows(), table.len());
    }
}
