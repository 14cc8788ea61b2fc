//! Units: `convert_length(1.2, 'Meter', 'Foot')`. The names are those of the UnitsNet library, on which Kusto relies.

use super::support::{Out, real_arg, strict};
use crate::{Cx, Scalar, Val};

/// The entries of this family.
pub(super) static ENTRIES: &[Scalar] = &[
    strict("convert_angle", "An angle in another unit.", |_, args| convert(args, ANGLE)),
    strict("convert_energy", "An energy in another unit.", |_, args| convert(args, ENERGY)),
    strict("convert_force", "A force in another unit.", |_, args| convert(args, FORCE)),
    strict("convert_length", "A length in another unit.", |_, args| convert(args, LENGTH)),
    strict("convert_mass", "A mass in another unit.", |_, args| convert(args, MASS)),
    strict("convert_speed", "A speed in another unit.", |_, args| convert(args, SPEED)),
    strict("convert_temperature", "A temperature in another unit.", temperature),
    strict("convert_volume", "A volume in another unit.", |_, args| convert(args, VOLUME)),
];

/// A unit: how many of the base unit one of it is, as numerator and denominator, so that exact ratios stay exact.
type Unit = (&'static str, f64, f64);

const fn unit(name: &'static str, times: f64) -> Unit {
    (name, times, 1.0)
}

const fn part(name: &'static str, parts: f64) -> Unit {
    (name, 1.0, parts)
}

use std::f64::consts::PI;

/// Base: degree.
const ANGLE: &[Unit] = &[
    part("Arcminute", 60.0),
    part("Arcsecond", 3600.0),
    ("Centiradian", 1.8, PI),
    ("Deciradian", 18.0, PI),
    unit("Degree", 1.0),
    unit("Gradian", 0.9),
    ("Microdegree", 1.0, 1e6),
    ("Microradian", 180.0 / 1e6, PI),
    ("Millidegree", 1.0, 1e3),
    ("Milliradian", 180.0 / 1e3, PI),
    ("Nanodegree", 1.0, 1e9),
    ("Nanoradian", 180.0 / 1e9, PI),
    part("NatoMil", 160.0 / 9.0),
    ("Radian", 180.0, PI),
    unit("Revolution", 360.0),
    ("Tilt", 180.0, PI),
];

/// Base: joule.
const ENERGY: &[Unit] = &[
    unit("BritishThermalUnit", 1055.05585262),
    unit("Calorie", 4.184),
    unit("DecathermEc", 1.05505585262e9),
    unit("DecathermImperial", 1.05505585257348e9),
    unit("DecathermUs", 1.054804e9),
    ("ElectronVolt", 1.602176565e-19, 1.0),
    unit("Erg", 1e-7),
    unit("FootPound", 1.355817948),
    unit("GigabritishThermalUnit", 1055.05585262e9),
    unit("GigaelectronVolt", 1.602176565e-10),
    unit("Gigajoule", 1e9),
    unit("GigawattDay", 24.0 * 3600.0 * 1e9),
    unit("GigawattHour", 3600.0 * 1e9),
    unit("HorsepowerHour", 2.6845195377e6),
    unit("Joule", 1.0),
    unit("KilobritishThermalUnit", 1055.05585262e3),
    unit("Kilocalorie", 4184.0),
    unit("KiloelectronVolt", 1.602176565e-16),
    unit("Kilojoule", 1e3),
    unit("KilowattDay", 24.0 * 3600.0 * 1e3),
    unit("KilowattHour", 3600.0 * 1e3),
    unit("MegabritishThermalUnit", 1055.05585262e6),
    unit("Megacalorie", 4.184e6),
    unit("MegaelectronVolt", 1.602176565e-13),
    unit("Megajoule", 1e6),
    unit("MegawattDay", 24.0 * 3600.0 * 1e6),
    unit("MegawattHour", 3600.0 * 1e6),
    part("Millijoule", 1e3),
    unit("TeraelectronVolt", 1.602176565e-7),
    unit("TerawattDay", 24.0 * 3600.0 * 1e12),
    unit("TerawattHour", 3600.0 * 1e12),
    unit("ThermEc", 1.05505585262e8),
    unit("ThermImperial", 1.05505585257348e8),
    unit("ThermUs", 1.054804e8),
    unit("WattDay", 24.0 * 3600.0),
    unit("WattHour", 3600.0),
];

/// Base: newton.
const FORCE: &[Unit] = &[
    unit("Decanewton", 10.0),
    part("Dyn", 1e5),
    unit("KilogramForce", 9.80665),
    unit("Kilonewton", 1e3),
    unit("KiloPond", 9.80665),
    unit("KilopoundForce", 4_448.221_615_260_51),
    unit("Meganewton", 1e6),
    part("Micronewton", 1e6),
    part("Millinewton", 1e3),
    unit("Newton", 1.0),
    unit("OunceForce", 0.2780138509537812),
    unit("Poundal", 0.138254954376),
    unit("PoundForce", 4.448_221_615_260_509),
    unit("ShortTonForce", 8896.443230521),
    unit("TonneForce", 9806.65),
];

/// Base: metre.
const LENGTH: &[Unit] = &[
    unit("Angstrom", 1e-10),
    unit("AstronomicalUnit", 1.4959787070e11),
    part("Centimeter", 100.0),
    unit("Chain", 20.1168),
    ("DataMile", 1828.8, 1.0),
    unit("Decameter", 10.0),
    part("Decimeter", 10.0),
    ("DtpPica", 0.0254, 6.0),
    ("DtpPoint", 0.0254, 72.0),
    unit("Fathom", 1.8288),
    unit("Foot", 0.3048),
    unit("Hand", 0.1016),
    unit("Hectometer", 100.0),
    unit("Inch", 0.0254),
    unit("KilolightYear", 9.46073047258e18),
    unit("Kilometer", 1e3),
    unit("Kiloparsec", 3.08567758128e19),
    unit("LightYear", 9.46073047258e15),
    unit("MegalightYear", 9.46073047258e21),
    unit("Megaparsec", 3.08567758128e22),
    unit("Meter", 1.0),
    unit("Microinch", 0.0254e-6),
    part("Micrometer", 1e6),
    unit("Mil", 0.0254e-3),
    unit("Mile", 1609.344),
    part("Millimeter", 1e3),
    part("Nanometer", 1e9),
    unit("NauticalMile", 1852.0),
    unit("Parsec", 3.08567758128e16),
    unit("PrinterPica", 0.0254 / 6.0225),
    unit("PrinterPoint", 0.0254 / 72.27),
    unit("Shackle", 27.432),
    unit("SolarRadius", 6.95510e8),
    ("Twip", 0.0254, 1440.0),
    ("UsSurveyFoot", 1200.0, 3937.0),
    unit("Yard", 0.9144),
];

/// Base: kilogram.
const MASS: &[Unit] = &[
    part("Centigram", 1e5),
    part("Decagram", 100.0),
    part("Decigram", 1e4),
    unit("EarthMass", 5.9722e24),
    ("Grain", 64.79891e-6, 1.0),
    part("Gram", 1e3),
    part("Hectogram", 10.0),
    unit("Kilogram", 1.0),
    unit("Kilopound", 453.59237),
    unit("Kilotonne", 1e6),
    unit("LongHundredweight", 50.80234544),
    unit("LongTon", 1016.0469088),
    unit("Megapound", 453592.37),
    unit("Megatonne", 1e9),
    part("Microgram", 1e9),
    part("Milligram", 1e6),
    part("Nanogram", 1e12),
    unit("Ounce", 0.028349523125),
    unit("Pound", 0.45359237),
    unit("ShortHundredweight", 45.359237),
    unit("ShortTon", 907.18474),
    unit("Slug", 14.593902937206364),
    unit("SolarMass", 1.98947e30),
    unit("Stone", 6.35029318),
    unit("Tonne", 1e3),
];

/// Base: metre a second.
const SPEED: &[Unit] = &[
    part("CentimeterPerHour", 360_000.0),
    part("CentimeterPerMinute", 6000.0),
    part("CentimeterPerSecond", 100.0),
    part("DecimeterPerMinute", 600.0),
    part("DecimeterPerSecond", 10.0),
    ("FootPerHour", 0.3048, 3600.0),
    ("FootPerMinute", 0.3048, 60.0),
    unit("FootPerSecond", 0.3048),
    ("InchPerHour", 0.0254, 3600.0),
    ("InchPerMinute", 0.0254, 60.0),
    unit("InchPerSecond", 0.0254),
    part("KilometerPerHour", 3.6),
    ("KilometerPerMinute", 1000.0, 60.0),
    unit("KilometerPerSecond", 1e3),
    ("Knot", 1852.0, 3600.0),
    part("MeterPerHour", 3600.0),
    part("MeterPerMinute", 60.0),
    unit("MeterPerSecond", 1.0),
    part("MicrometerPerMinute", 60e6),
    part("MicrometerPerSecond", 1e6),
    unit("MilePerHour", 0.44704),
    part("MillimeterPerHour", 3_600_000.0),
    part("MillimeterPerMinute", 60_000.0),
    part("MillimeterPerSecond", 1e3),
    part("NanometerPerMinute", 60e9),
    part("NanometerPerSecond", 1e9),
    ("UsSurveyFootPerHour", 1200.0 / 3937.0, 3600.0),
    ("UsSurveyFootPerMinute", 1200.0 / 3937.0, 60.0),
    ("UsSurveyFootPerSecond", 1200.0, 3937.0),
    ("YardPerHour", 0.9144, 3600.0),
    ("YardPerMinute", 0.9144, 60.0),
    unit("YardPerSecond", 0.9144),
];

/// Base: cubic metre.
const VOLUME: &[Unit] = &[
    part("AcreFoot", 0.000810714),
    ("AuTablespoon", 20e-6, 1.0),
    unit("BoardFoot", 0.0023597372167),
    part("Centiliter", 1e5),
    part("CubicCentimeter", 1e6),
    part("CubicDecimeter", 1e3),
    unit("CubicFoot", 0.0283168),
    unit("CubicHectometer", 1e6),
    unit("CubicInch", 1.6387e-5),
    unit("CubicKilometer", 1e9),
    unit("CubicMeter", 1.0),
    part("CubicMicrometer", 1e18),
    unit("CubicMile", 4.16818182544058e9),
    part("CubicMillimeter", 1e9),
    unit("CubicYard", 0.764554858),
    part("Decaliter", 100.0),
    part("Deciliter", 1e4),
    unit("HectocubicFoot", 2.83168),
    unit("HectocubicMeter", 100.0),
    part("Hectoliter", 10.0),
    unit("ImperialBeerBarrel", 0.16365924),
    unit("ImperialGallon", 0.00454609),
    unit("ImperialOunce", 2.841_306_249_996_29e-5),
    unit("ImperialPint", 5.6826125e-4),
    unit("KilocubicFoot", 28.3168),
    unit("KilocubicMeter", 1e3),
    unit("KiloimperialGallon", 4.54609),
    unit("Kiloliter", 1.0),
    unit("KilousGallon", 3.785411784),
    part("Liter", 1e3),
    unit("MegacubicFoot", 28316.8),
    unit("MegaimperialGallon", 4546.09),
    unit("Megaliter", 1e3),
    unit("MegausGallon", 3785.411784),
    ("MetricCup", 0.00025, 1.0),
    ("MetricTeaspoon", 0.5e-5, 1.0),
    part("Microliter", 1e9),
    part("Milliliter", 1e6),
    unit("OilBarrel", 0.158987294928),
    ("UkTablespoon", 15e-6, 1.0),
    unit("UsBeerBarrel", 0.1173477658),
    unit("UsCustomaryCup", 0.0002365882365),
    unit("UsGallon", 0.003785411784),
    ("UsLegalCup", 0.00024, 1.0),
    unit("UsOunce", 2.957_352_956_253_760_6e-5),
    unit("UsPint", 4.73176473e-4),
    unit("UsQuart", 9.46352946e-4),
    unit("UsTablespoon", 1.478676478125e-5),
    unit("UsTeaspoon", 4.92892159375e-6),
];

/// The names of both units; an unknown one gives null.
fn convert(args: &[Val<'_>], units: &[Unit]) -> Out<'static> {
    let find = |at: usize| {
        let name = args.get(at).and_then(Val::as_str)?;
        units.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name))
    };
    let (Some(value), Some(from), Some(to)) = (real_arg(args, 0), find(1), find(2)) else { return Ok(Val::Null) };
    if from.0 == to.0 {
        return Ok(Val::Real(value));
    }
    let base = value * from.1 / from.2;
    Ok(Val::Real(base * to.2 / to.1))
}

/// A scale of temperature: kelvins are `(value + offset) * times`.
const TEMPERATURE: &[(&str, f64, f64)] = &[
    ("DegreeCelsius", 273.15, 1.0),
    ("DegreeDelisle", -559.725, -2.0 / 3.0),
    ("DegreeFahrenheit", 459.67, 5.0 / 9.0),
    ("DegreeNewton", 90.1395, 100.0 / 33.0),
    ("DegreeRankine", 0.0, 5.0 / 9.0),
    ("DegreeReaumur", 218.52, 5.0 / 4.0),
    ("DegreeRoemer", 135.90375, 40.0 / 21.0),
    ("Kelvin", 0.0, 1.0),
    ("MillidegreeCelsius", 273_150.0, 0.001),
    ("SolarTemperature", 0.0, 5778.0),
];

fn temperature<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let find = |at: usize| {
        let name = args.get(at).and_then(Val::as_str)?;
        TEMPERATURE.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name))
    };
    let (Some(value), Some(from), Some(to)) = (real_arg(args, 0), find(1), find(2)) else { return Ok(Val::Null) };
    if from.0 == to.0 {
        return Ok(Val::Real(value));
    }
    let kelvin = (value + from.1) * from.2;
    Ok(Val::Real(kelvin / to.2 - to.1))
}
