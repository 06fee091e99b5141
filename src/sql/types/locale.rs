//! How numbers are written in the locales that MySQL knows.

/// How a locale groups digits and marks the fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberFormat {
    /// Between groups of digits; empty: there are no groups.
    separator: &'static str,
    /// Before the fraction.
    point: char,
    /// Digits of the groups after the last one, which has three.
    group: usize,
}

const fn format(separator: &'static str, point: char, group: usize) -> NumberFormat {
    NumberFormat { separator, point, group }
}

/// The locales by how they write 1234567.5, names in lower case.
const LOCALES: &[(NumberFormat, &str)] = &[
    (
        format(",", '.', 3),
        "ar_ae ar_bh ar_dz ar_eg ar_in ar_iq ar_jo ar_kw ar_lb ar_ly ar_ma ar_om ar_qa ar_sd ar_sy ar_tn ar_ye en_au \
         en_ca en_gb en_nz en_ph en_us en_za en_zw es_do es_gt es_hn es_mx es_ni es_pa es_pe es_pr es_sv es_us gu_in \
         he_il hi_in ja_jp ko_kr ms_my th_th ur_pk zh_cn zh_hk zh_tw",
    ),
    (format("", '.', 3), "ar_sa sr_rs"),
    (
        format(".", ',', 3),
        "be_by da_dk de_be de_de de_lu es_ar es_bo es_cl es_co es_ec es_es es_py es_uy es_ve fo_fo hu_hu id_id is_is \
         lt_lt mn_mn nb_no no_no ro_ro ru_ua sq_al tr_tr uk_ua vi_vn",
    ),
    (
        format("", ',', 3),
        "ca_es de_at el_gr eu_es fr_be fr_ca fr_ch fr_fr fr_lu gl_es hr_hr it_it nl_be nl_nl pl_pl pt_br pt_pt sl_si",
    ),
    (format(" ", ',', 3), "bg_bg cs_cz es_cr et_ee fi_fi lv_lv mk_mk ru_ru sk_sk sv_fi sv_se"),
    (format("'", '.', 3), "de_ch"),
    (format("'", ',', 3), "it_ch rm_ch"),
    (format(",", '.', 2), "en_in ta_in te_in"),
];

impl NumberFormat {
    /// How en_US writes numbers.
    pub const EN_US: NumberFormat = format(",", '.', 3);

    /// The locale of that name, in any case.
    pub fn by_name(name: &str) -> Option<NumberFormat> {
        let name = name.to_ascii_lowercase();
        let mut known = LOCALES.iter();
        known
            .find(|(_, names)| names.split(' ').any(|known| known == name))
            .map(|(format, _)| *format)
    }

    /// A number written as `-1234.5` in this locale.
    pub fn write(&self, plain: &str) -> String {
        let (sign, size) = match plain.strip_prefix('-') {
            Some(size) => ("-", size),
            None => ("", plain),
        };
        let (whole, fraction) = size.split_once('.').unwrap_or((size, ""));
        let mut text = String::with_capacity(plain.len() * 2);
        text.push_str(sign);
        for (position, digit) in whole.chars().enumerate() {
            let behind = whole.len() - position;
            let starts_group = behind >= 3 && (behind - 3).is_multiple_of(self.group);
            if position > 0 && starts_group {
                text.push_str(self.separator);
            }
            text.push(digit);
        }
        if !fraction.is_empty() {
            text.push(self.point);
            text.push_str(fraction);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_as_the_locale_says() {
        let write = |locale: &str, text: &str| {
            NumberFormat::by_name(locale).map(|format| format.write(text)).unwrap_or_default()
        };
        assert_eq!(write("en_US", "-1234567890.13"), "-1,234,567,890.13");
        assert_eq!(write("de_de", "1234567890.13"), "1.234.567.890,13");
        assert_eq!(write("de_CH", "-1234567.5"), "-1'234'567.5");
        assert_eq!(write("fr_FR", "1234567.5"), "1234567,5");
        assert_eq!(write("en_IN", "-1234567890.13"), "-1,23,45,67,890.13");
        assert_eq!(write("ta_IN", "123"), "123");
        assert_eq!(write("sv_SE", "1234"), "1 234");
        assert_eq!(NumberFormat::by_name("xx_YY"), None);
    }
}
