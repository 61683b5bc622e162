//! `zelo bench read`: a store with fifty million readings. What a chunked reading costs on disk at each rate, a day of
//! one signal read, a month drawn.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::rig::history::{Sensor, Values, lay};
use super::rig::meter::{Histogram, rate, rss_kib};
use super::rig::seed::many;
use super::rig::site::Site;
use super::rig::source::{self, Source};
use super::{Common, note, print};
use domain::time::civil::Window;
use domain::{Clock, Signal};
use store::{Store, readings};

const DAY: u64 = 86_400;
const MONTH: u64 = 30 * DAY;
/// What a chart is drawn with, unless it says otherwise.
const POINTS: u32 = 500;

/// How to measure.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// Per cent of the fifty million
    #[arg(long, default_value_t = 100)]
    size: usize,
    /// Times each is read
    #[arg(long, default_value_t = 200)]
    reads: usize,
}

/// A kind of sensor, how many wear it and since when.
struct Class {
    name: &'static str,
    sensor: Sensor,
    people: usize,
    back: u64,
}

fn classes(size: usize) -> anyhow::Result<Vec<Class>> {
    let sensor = |signal, every, jitter| Sensor { signal, every, jitter, values: Values::Wander };
    let people = |of: usize| (of * size / 100).max(2);
    let heart = Signal::HeartRate;
    let recorded = Values::recorded("stress-predict-02", heart)?;
    let glucose = Values::recorded("hupa-0001p", Signal::Glucose)?;
    Ok(vec![
        Class { name: "1 Hz, a month", sensor: sensor(heart, 1_000, 0), people: people(12), back: MONTH },
        Class { name: "1 Hz, a day", sensor: sensor(heart, 1_000, 0), people: people(125), back: DAY },
        Class {
            name: "1 Hz as recorded (quarter beats), a day",
            sensor: Sensor { values: recorded, ..sensor(heart, 1_000, 0) },
            people: people(25),
            back: DAY,
        },
        Class {
            name: "1 Hz with 200 ms of jitter, a day",
            sensor: sensor(heart, 1_000, 200),
            people: people(12),
            back: DAY,
        },
        Class { name: "1/min, a month", sensor: sensor(heart, 60_000, 0), people: people(100), back: MONTH },
        Class {
            name: "5 min as recorded, a month",
            sensor: Sensor { values: glucose, ..sensor(Signal::Glucose, 300_000, 0) },
            people: people(150),
            back: MONTH,
        },
    ])
}

#[derive(Default, Serialize)]
struct Seen {
    backend: &'static str,
    readings: u64,
    built_ms: u128,
    rss_kib: u64,
    classes: Vec<Line>,
}

#[derive(Default, Serialize)]
struct Line {
    name: &'static str,
    people: usize,
    readings: u64,
    /// Appended and rolled, readings a second.
    laid_s: u64,
    /// Thousandths of a byte.
    milli_bytes_per_reading: i64,
    day_readings: usize,
    day_p50_us: u64,
    day_p99_us: u64,
    month_p50_us: u64,
    month_p99_us: u64,
}

/// Runs it.
///
/// # Errors
/// The store failed, or does not give back what was laid into it.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let site = Site::fresh(args.common.database_url.as_deref())?;
    let now = Clock::System.now();
    let classes = classes(args.size)?;
    let people = classes.iter().map(|class| class.people).sum();
    let enrolled = many(&site.store, &site.tokens, people, now)?;
    let sources = source::of(&site.store, &enrolled)?;
    // Whole chunks, of which the longest takes ten days.
    let end = domain::Instant::from_secs(now.secs() - now.secs().rem_euclid(10 * i64::try_from(DAY)?));
    let mut seen = Seen { backend: site.backend(), ..Seen::default() };
    let (mut rest, began) = (sources.as_slice(), Instant::now());
    let mut worn = Vec::new();
    for class in &classes {
        let (wearing, others) = rest.split_at(class.people.min(rest.len()));
        rest = others;
        let line = built(&site.store, class, wearing, end)?;
        note(&format!("{}: {} readings, {}/s", line.name, line.readings, line.laid_s));
        seen.readings += line.readings;
        worn.push((wearing, line));
    }
    seen.built_ms = began.elapsed().as_millis();
    for ((wearing, mut line), class) in worn.into_iter().zip(&classes) {
        looked_at(&site.store, class, wearing, end, args.reads, &mut line)?;
        seen.classes.push(line);
    }
    seen.rss_kib = rss_kib();
    print(&args.common, &seen, &seen.words())
}

fn built(store: &Store, class: &Class, wearing: &[Source], end: domain::Instant) -> anyhow::Result<Line> {
    let before = store.read(readings::sizes)?.cold;
    let began = Instant::now();
    let from = end.minus(Duration::from_secs(class.back));
    let readings = lay(store, wearing, &class.sensor, Window { from, to: end }, true)?;
    let laid_s = rate(readings, began.elapsed());
    let after = store.read(readings::sizes)?;
    let added = after.cold.readings - before.readings;
    anyhow::ensure!(u64::try_from(added)? == readings, "{added} of {readings} readings are in chunks");
    let milli_bytes_per_reading = (after.cold.bytes - before.bytes) * 1_000 / added.max(1);
    let (name, people) = (class.name, wearing.len());
    Ok(Line { name, people, readings, laid_s, milli_bytes_per_reading, ..Line::default() })
}

fn looked_at(
    store: &Store,
    class: &Class,
    wearing: &[Source],
    end: domain::Instant,
    reads: usize,
    line: &mut Line,
) -> anyhow::Result<()> {
    let days = usize::try_from(class.back / DAY)?;
    let (mut day, mut month) = (Histogram::default(), Histogram::default());
    let signal = class.sensor.signal;
    for (n, source) in wearing.iter().cycle().take(reads).enumerate() {
        // Another day of another person each time.
        let to = end.minus(Duration::from_secs(DAY * u64::try_from(n * 7 % days)?));
        let span = (to.minus(Duration::from_secs(DAY)), to);
        let began = Instant::now();
        let found = store
            .read(|view| readings::series(view, &source.look, source.patient_key, signal, span.0, span.1))?;
        day.add(began.elapsed());
        line.day_readings = found.len();
        if days > 1 {
            let span = Window { from: end.minus(Duration::from_secs(class.back)), to: end };
            let began = Instant::now();
            let drawn = store.read(|view| {
                readings::buckets(view, &source.look, source.patient_key, signal, span, POINTS)
            })?;
            month.add(began.elapsed());
            anyhow::ensure!(!drawn.buckets.is_empty(), "a month was drawn empty");
        }
    }
    (line.day_p50_us, line.day_p99_us) = (day.quantile(500), day.quantile(990));
    (line.month_p50_us, line.month_p99_us) = (month.quantile(500), month.quantile(990));
    Ok(())
}

impl Seen {
    fn words(&self) -> String {
        let lines = self.classes.iter().map(|line| {
            let bytes = (line.milli_bytes_per_reading / 1_000, line.milli_bytes_per_reading % 1_000 / 10);
            let month = match line.month_p99_us {
                0 => String::new(),
                p99 => format!("; its whole span drawn p50 {} µs, p99 {p99} µs", line.month_p50_us),
            };
            format!(
                "\n  {}, {} people, {} readings: {}.{:02} bytes a reading; a day of {} read p50 {} µs, p99 {} µs{month}",
                line.name,
                line.people,
                line.readings,
                bytes.0,
                bytes.1,
                line.day_readings,
                line.day_p50_us,
                line.day_p99_us,
            )
        });
        format!(
            "{} · {} readings laid in {} s; {} MiB resident{}",
            self.backend,
            self.readings,
            self.built_ms / 1_000,
            self.rss_kib / 1_024,
            lines.collect::<String>()
        )
    }
}
