//! Measures the parsing of typical request bodies, next to `serde_json::Value`: the lenient object must not be slower.
#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first failure")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use relive_wire::Object;

const BODIES: [(&str, &str); 3] = [
    ("heartbeat", r#"{"token":"0123456789abcdef0123456789abcdef","roomnum":10017,"role":1,"thumbup":12}"#),
    ("list", r#"{"Action":"FetchList","userid":"anna","flag":3,"pageno":1,"pagesize":20}"#),
    (
        "report",
        r#"{"token":"0123456789abcdef0123456789abcdef","room":{"title":"\u9ec4\u660f\u7684\u97f3\u4e50\u4f1a","roomnum":10017,"type":"live","groupid":"10017","cover":"http:\/\/img.example\/cover.png","appid":1400000123,"device":1,"videotype":0},"lbs":{"longitude":113.93,"latitude":22.54,"address":"Shenzhen"}}"#,
    ),
];

fn decode(criterion: &mut Criterion) {
    for (name, body) in BODIES {
        let mut group = criterion.benchmark_group(format!("decode {name}"));
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function("wire", |bencher| {
            bencher.iter(|| Object::parse(black_box(body.as_bytes()), 12).unwrap().get("token").is_some());
        });
        group.bench_function("serde_json", |bencher| {
            bencher.iter(|| {
                let value: serde_json::Value = serde_json::from_slice(black_box(body.as_bytes())).unwrap();
                value.get("token").is_some()
            });
        });
        group.finish();
    }
}

criterion_group!(benches, decode);
criterion_main!(benches);
