//! Holidays of Brazil as data: national, of each state, of the capitals whose laws were at hand. A clinic adds
//! what its municipality decrees as exceptions of its calendar.
//!
//! Sources: Leis 662/1949, 6.802/1980, 9.093/1995, 10.607/2002 and 14.759/2023 (national); the states' laws after
//! Lei 9.093/1995 art. 1 II, compared with the table of the open `holidays` project; Lei 7.008/1967 of São Paulo,
//! Lei 8.796/2003 of Fortaleza. Days moved to a Sunday (Santa Catarina) and optional days (ponto facultativo:
//! Carnival outside Rio de Janeiro, 28 October) close nothing and are not here.

use chrono::{Datelike, NaiveDate, TimeDelta, Weekday};
use serde::{Deserialize, Serialize};

/// Where a holiday holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// In the whole country.
    National,
    /// In one state.
    State,
    /// In one municipality.
    Municipal,
}

/// A day on which a place rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holiday {
    /// Its name, in Portuguese.
    pub name: &'static str,
    /// Where it holds.
    pub scope: Scope,
}

/// Where a calendar is: the codes of the IBGE, as in `SP` and `São Paulo` (3550308).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Its state; `None`: only national holidays.
    pub state: Option<State>,
    /// Its municipality by IBGE code (7 digits); refused where it is not in [`MUNICIPALITIES`].
    pub municipality: Option<u32>,
}

/// The 26 states and the Federal District (ISO 3166-2:BR).
#[expect(missing_docs, reason = "the codes are their own words")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[rustfmt::skip]
pub enum State {
    Ac, Al, Am, Ap, Ba, Ce, Df, Es, Go, Ma, Mg, Ms, Mt, Pa, Pb, Pe, Pi, Pr, Rj, Rn, Ro, Rr, Rs, Sc, Se, Sp, To,
}

/// Municipalities whose own holidays are here: the IBGE's code, the state, the name.
pub const MUNICIPALITIES: [(u32, State, &str); 2] =
    [(2_304_400, State::Ce, "Fortaleza"), (3_550_308, State::Sp, "São Paulo")];

impl State {
    /// Every state, by its name.
    #[rustfmt::skip]
    pub const ALL: [Self; 27] = [
        Self::Ac, Self::Al, Self::Ap, Self::Am, Self::Ba, Self::Ce, Self::Df, Self::Es, Self::Go, Self::Ma,
        Self::Mt, Self::Ms, Self::Mg, Self::Pa, Self::Pb, Self::Pr, Self::Pe, Self::Pi, Self::Rj, Self::Rn,
        Self::Rs, Self::Ro, Self::Rr, Self::Sc, Self::Sp, Self::Se, Self::To,
    ];

    /// Its two letters and its name.
    #[must_use]
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Ac => ("AC", "Acre"),
            Self::Al => ("AL", "Alagoas"),
            Self::Ap => ("AP", "Amapá"),
            Self::Am => ("AM", "Amazonas"),
            Self::Ba => ("BA", "Bahia"),
            Self::Ce => ("CE", "Ceará"),
            Self::Df => ("DF", "Distrito Federal"),
            Self::Es => ("ES", "Espírito Santo"),
            Self::Go => ("GO", "Goiás"),
            Self::Ma => ("MA", "Maranhão"),
            Self::Mt => ("MT", "Mato Grosso"),
            Self::Ms => ("MS", "Mato Grosso do Sul"),
            Self::Mg => ("MG", "Minas Gerais"),
            Self::Pa => ("PA", "Pará"),
            Self::Pb => ("PB", "Paraíba"),
            Self::Pr => ("PR", "Paraná"),
            Self::Pe => ("PE", "Pernambuco"),
            Self::Pi => ("PI", "Piauí"),
            Self::Rj => ("RJ", "Rio de Janeiro"),
            Self::Rn => ("RN", "Rio Grande do Norte"),
            Self::Rs => ("RS", "Rio Grande do Sul"),
            Self::Ro => ("RO", "Rondônia"),
            Self::Rr => ("RR", "Roraima"),
            Self::Sc => ("SC", "Santa Catarina"),
            Self::Sp => ("SP", "São Paulo"),
            Self::Se => ("SE", "Sergipe"),
            Self::To => ("TO", "Tocantins"),
        }
    }

    /// From its two letters.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.names().0 == code)
    }
}

/// When in a year.
#[derive(Debug, Clone, Copy)]
enum When {
    /// A day of a month.
    On(u32, u32),
    /// Days after Easter Sunday.
    Easter(i64),
    /// As `On`; from Tuesday to Thursday it moves to that week's Friday (Acre, Lei 2.126/2009).
    OnOrFriday(u32, u32),
}
use When::{Easter, On, OnOrFriday};

/// When, its name, the first and the last year.
type Row = (When, &'static str, i32, i32);
const ALWAYS: i32 = i32::MAX;

const NATIONAL: &[Row] = &[
    (On(1, 1), "Confraternização Universal", 1950, ALWAYS),
    (Easter(-2), "Sexta-feira da Paixão", 1950, ALWAYS),
    (On(4, 21), "Tiradentes", 1950, ALWAYS),
    (On(5, 1), "Dia do Trabalho", 1950, ALWAYS),
    (On(9, 7), "Independência do Brasil", 1950, ALWAYS),
    (On(10, 12), "Nossa Senhora Aparecida", 1980, ALWAYS),
    (On(11, 2), "Finados", 1950, ALWAYS),
    (On(11, 15), "Proclamação da República", 1950, ALWAYS),
    (On(11, 20), "Dia Nacional de Zumbi e da Consciência Negra", 2024, ALWAYS),
    (On(12, 25), "Natal", 1950, ALWAYS),
];

const BLACK_AWARENESS: &str = "Consciência Negra";

const fn of_state(state: State) -> &'static [Row] {
    match state {
        State::Ac => &[
            (OnOrFriday(1, 23), "Dia do Evangélico", 2005, ALWAYS),
            (OnOrFriday(3, 8), "Dia Internacional da Mulher", 2002, ALWAYS),
            (On(6, 15), "Aniversário do Acre", 1996, ALWAYS),
            (OnOrFriday(9, 5), "Dia da Amazônia", 2004, ALWAYS),
            (OnOrFriday(11, 17), "Tratado de Petrópolis", 1996, ALWAYS),
        ],
        State::Al => &[
            (On(6, 24), "São João", 1996, ALWAYS),
            (On(6, 29), "São Pedro", 1996, ALWAYS),
            (On(9, 16), "Emancipação Política de Alagoas", 1996, ALWAYS),
            (On(11, 20), BLACK_AWARENESS, 1996, 2023),
            (On(11, 30), "Dia do Evangélico", 2013, ALWAYS),
        ],
        State::Am => &[
            (On(9, 5), "Elevação do Amazonas à categoria de província", 1996, ALWAYS),
            (On(11, 20), BLACK_AWARENESS, 2010, 2023),
        ],
        State::Ap => &[
            (On(3, 19), "São José", 2003, ALWAYS),
            (On(7, 25), "São Tiago", 2012, ALWAYS),
            (On(9, 13), "Criação do Território Federal", 1996, ALWAYS),
            (On(11, 20), BLACK_AWARENESS, 2008, 2023),
        ],
        State::Ba => &[(On(7, 2), "Independência da Bahia", 1996, ALWAYS)],
        State::Ce => &[
            (On(3, 19), "São José", 1996, ALWAYS),
            (On(3, 25), "Abolição da escravidão no Ceará", 1996, ALWAYS),
            (On(8, 15), "Nossa Senhora da Assunção", 2004, ALWAYS),
        ],
        State::Df => &[(On(11, 30), "Dia do Evangélico", 1996, ALWAYS)],
        State::Es => &[(Easter(8), "Nossa Senhora da Penha", 2020, ALWAYS)],
        State::Go => &[
            (On(7, 26), "Fundação da cidade de Goiás", 1996, ALWAYS),
            (On(10, 24), "Pedra fundamental de Goiânia", 1996, ALWAYS),
        ],
        State::Ma => &[(On(7, 28), "Adesão do Maranhão à Independência", 1996, ALWAYS)],
        State::Ms => &[(On(10, 11), "Criação do Estado", 1996, ALWAYS)],
        State::Mt => &[(On(11, 20), BLACK_AWARENESS, 2003, 2023)],
        State::Pa => &[(On(8, 15), "Adesão do Grão-Pará à Independência", 1996, ALWAYS)],
        State::Pb => &[(On(8, 5), "Fundação do Estado", 1996, ALWAYS)],
        State::Pe => &[(On(3, 6), "Revolução Pernambucana", 2018, ALWAYS)],
        State::Pi => &[(On(10, 19), "Dia do Piauí", 1996, ALWAYS)],
        State::Pr => &[(On(12, 19), "Emancipação Política do Paraná", 1996, 2013)],
        State::Rj => &[
            (Easter(-47), "Carnaval", 2009, ALWAYS),
            (On(4, 23), "São Jorge", 2008, ALWAYS),
            (On(11, 20), BLACK_AWARENESS, 2002, 2023),
        ],
        State::Rn => &[
            (On(8, 7), "Dia do Rio Grande do Norte", 2000, ALWAYS),
            (On(10, 3), "Mártires de Cunhaú e Uruaçu", 2007, ALWAYS),
        ],
        State::Ro => {
            &[(On(1, 4), "Criação do Estado", 1996, ALWAYS), (On(6, 18), "Dia do Evangélico", 2002, ALWAYS)]
        }
        State::Rr => &[(On(10, 5), "Criação do Estado", 1996, ALWAYS)],
        State::Rs => &[(On(9, 20), "Revolução Farroupilha", 1996, ALWAYS)],
        State::Se => &[(On(7, 8), "Emancipação Política de Sergipe", 1996, ALWAYS)],
        State::Sp => &[(On(7, 9), "Revolução Constitucionalista", 1997, ALWAYS)],
        State::To => &[
            (On(3, 18), "Dia da Autonomia", 1998, ALWAYS),
            (On(9, 8), "Nossa Senhora da Natividade", 1996, ALWAYS),
            (On(10, 5), "Criação do Estado", 1996, ALWAYS),
        ],
        State::Mg | State::Sc => &[],
    }
}

const fn of_municipality(ibge: u32) -> &'static [Row] {
    match ibge {
        3_550_308 => &[
            (On(1, 25), "Aniversário de São Paulo", 1968, ALWAYS),
            (Easter(60), "Corpus Christi", 1968, ALWAYS),
            (On(11, 20), BLACK_AWARENESS, 2004, 2023),
        ],
        2_304_400 => &[(Easter(60), "Corpus Christi", 2004, ALWAYS)],
        _ => &[],
    }
}

impl Place {
    /// The holiday that a date is there, the one of the widest scope first.
    #[must_use]
    pub fn holiday(self, date: NaiveDate) -> Option<Holiday> {
        let state = self.state.map(of_state).unwrap_or_default();
        let municipality = self.municipality.map(of_municipality).unwrap_or_default();
        [(Scope::National, NATIONAL), (Scope::State, state), (Scope::Municipal, municipality)]
            .into_iter()
            .find_map(|(scope, rows)| named(rows, date).map(|name| Holiday { name, scope }))
    }
}

fn named(rows: &[Row], date: NaiveDate) -> Option<&'static str> {
    let year = date.year();
    let here = |(when, _, from, to): &&Row| (*from..=*to).contains(&year) && when.is(date);
    rows.iter().find(here).map(|(_, name, ..)| *name)
}

impl When {
    fn is(self, date: NaiveDate) -> bool {
        match self {
            On(month, day) => date.month() == month && date.day() == day,
            Easter(days) => easter(date.year())
                .and_then(|sunday| sunday.checked_add_signed(TimeDelta::days(days)))
                .is_some_and(|then| then == date),
            OnOrFriday(month, day) => {
                NaiveDate::from_ymd_opt(date.year(), month, day).map(or_friday) == Some(date)
            }
        }
    }
}

fn or_friday(date: NaiveDate) -> NaiveDate {
    let ahead = match date.weekday() {
        Weekday::Tue => 3,
        Weekday::Wed => 2,
        Weekday::Thu => 1,
        _ => 0,
    };
    date.checked_add_signed(TimeDelta::days(if date.year() >= 2009 { ahead } else { 0 })).unwrap_or(date)
}

/// Easter Sunday of the Gregorian calendar (the anonymous algorithm, Meeus, Astronomical Algorithms ch. 8).
fn easter(year: i32) -> Option<NaiveDate> {
    let (golden, century, rest) = (year % 19, year / 100, year % 100);
    let moon = (19 * golden + century - century / 4 - (century - (century + 8) / 25 + 1) / 3 + 15) % 30;
    let week = (32 + 2 * (century % 4) + 2 * (rest / 4) - moon - rest % 4) % 7;
    let late = (golden + 11 * moon + 22 * week) / 451;
    let days = moon + week - 7 * late + 114;
    NaiveDate::from_ymd_opt(year, u32::try_from(days / 31).ok()?, u32::try_from(days % 31 + 1).ok()?)
}
