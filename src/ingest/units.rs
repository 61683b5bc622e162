//! Units by what they mean: UCUM, with its annotations left out, and the spellings of devices and exports.

use domain::readings::{Signal, Unit};

/// The unit of this signal that a text names. A ratio written as UCUM's `1` is one of a percentage.
pub(crate) fn named(signal: Signal, text: &str) -> Option<Unit> {
    let unit = meaning(text)?;
    let is_share = signal.unit() == Unit::Percent && unit == Unit::One;
    Some(if is_share { Unit::Ratio } else { unit })
}

/// What a text says, of whichever signal.
pub(crate) fn meaning(text: &str) -> Option<Unit> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    if let Some(unit) = Unit::from_ucum(text) {
        return Some(unit);
    }
    let bare = without_annotations(text);
    match bare.trim() {
        "" => Some(Unit::One),
        bare => Unit::from_ucum(bare).or_else(|| as_written(bare)),
    }
}

/// What is left without `{…}`, which UCUM says means nothing, and without the molar mass that HealthKit writes between
/// `<` and `>`.
fn without_annotations(text: &str) -> String {
    let mut inside = false;
    text.chars()
        .filter(|c| {
            let is_bracket = matches!(c, '{' | '}' | '<' | '>');
            if is_bracket {
                inside = matches!(c, '{' | '<');
            }
            !(inside || is_bracket)
        })
        .collect()
}

/// As devices, HealthKit, Health Connect, Open mHealth and hospital systems write them, in any case and spacing.
fn as_written(text: &str) -> Option<Unit> {
    let folded: String = text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
    Some(match folded.as_str() {
        "/min"
        | "1/min"
        | "bpm"
        | "beats/min"
        | "beat/min"
        | "count/min"
        | "counts/min"
        | "breaths/min"
        | "breath/min"
        | "resp/min"
        | "pulses/min"
        | "beats/minute"
        | "count/minute"
        | "breaths/minute"
        | "/minute"
        | "1/minute"
        | "beatsperminute"
        | "breathsperminute"
        | "perminute"
        | "min-1"
        | "min^-1"
        | "brpm"
        | "rpm"
        | "irpm"
        | "batimentos/min"
        | "batimentosporminuto" => Unit::PerMinute,
        "/s" | "1/s" | "hz" | "count/s" | "count/sec" | "beats/s" | "beat/s" => Unit::PerSecond,
        "%" | "percent" | "pct" => Unit::Percent,
        "cel" | "c" | "degc" | "°c" | "ºc" | "℃" | "celsius" | "degreecelsius" | "degreescelsius" => {
            Unit::Celsius
        }
        "[degf]" | "f" | "degf" | "°f" | "ºf" | "℉" | "fahrenheit" | "degreesfahrenheit" => {
            Unit::Fahrenheit
        }
        "mmhg" | "mm[hg]" => Unit::MillimetreHg,
        "kpa" => Unit::Kilopascal,
        "mg/dl" | "mgdl" | "mg/100ml" | "mg%" | "milligramsperdeciliter" => Unit::MgPerDl,
        "mmol/l" | "mmoll" | "mmol/litre" | "mmol/liter" | "millimolesperliter" => Unit::MmolPerL,
        "kg" | "kgs" | "kilogram" | "kilograms" => Unit::Kilogram,
        "gram" | "grams" => Unit::Gram,
        "[lb_av]" | "lb" | "lbs" | "lb_av" | "pound" | "pounds" => Unit::Pound,
        "cm" | "centimeter" | "centimeters" => Unit::Centimetre,
        "m" | "meter" | "meters" => Unit::Metre,
        "[in_i]" | "in" | "inch" | "inches" => Unit::Inch,
        "[ft_i]" | "ft" | "foot" | "feet" => Unit::Foot,
        "steps" | "step" | "count" | "counts" | "/d" | "1/d" | "steps/d" | "count/d" | "steps/day" => {
            Unit::One
        }
        "ms" | "msec" | "millisecond" | "milliseconds" => Unit::Millisecond,
        "s" | "sec" | "secs" | "second" | "seconds" => Unit::Second,
        "min" | "mins" | "minute" | "minutes" => Unit::Minute,
        "h" | "hr" | "hrs" | "hour" | "hours" => Unit::Hour,
        "l/min" | "lpm" | "liters/min" | "litres/min" | "liter/min" | "l/minute" => Unit::LitrePerMinute,
        _ => return None,
    })
}
