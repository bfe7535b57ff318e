//! What reports say by themselves, in each language. Sentences with names or numbers in them stand where they are made, both
//! languages beside each other ([`Words::choose`]).

use hanok_charts::Language;

/// The words of one language.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words(pub(crate) Language);

impl Words {
    /// A word.
    pub(crate) fn of(self, word: Word) -> &'static str {
        word.text(self.0)
    }

    /// One of two sentences.
    pub(crate) fn choose<T>(self, en: T, ko: T) -> T {
        match self.0 {
            Language::En => en,
            Language::Ko => ko,
        }
    }
}

macro_rules! words {
    ($($word:ident $en:literal $ko:literal;)*) => {
        /// A word or a phrase.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Word {
            $($word,)*
        }

        impl Word {
            #[cfg(test)]
            const ALL: &[Word] = &[$(Word::$word,)*];

            fn text(self, language: Language) -> &'static str {
                let (en, ko) = match self {
                    $(Word::$word => ($en, $ko),)*
                };
                match language {
                    Language::En => en,
                    Language::Ko => ko,
                }
            }
        }
    };
}

words! {
    // Verdicts.
    Drifted "drifted" "드리프트";
    Undecided "undecided" "판단 보류";
    Stable "stable" "안정";
    Passed "may be swapped" "교체 가능";
    Review "look closer" "검토 필요";
    Failed "do not swap" "교체 불가";
    Holds "holds" "충족";
    DoesNotHold "does not hold" "미충족";
    Differs "behaves differently" "동작이 달라짐";
    NotKnown "not known" "알 수 없음";

    AlarmOn "on" "발생";
    AlarmOver "over" "해제";

    // Sides.
    Reference "reference" "기준";
    Current "current" "현재";
    First "current model (M1)" "현재 모델 (M1)";
    Second "new model (M2)" "새 모델 (M2)";

    // Headings.
    Ranking "What moved" "무엇이 변했나";
    Cards "Column by column" "열별 상세";
    Joint "What no single column shows" "한 열로는 보이지 않는 변화";
    Compared "What was compared" "비교 대상";
    Origins "Where the data came from" "데이터 출처";
    Method "How this was decided" "판정 방법";
    Monitor "What the monitor saw" "모니터 결과";
    Gates "Conditions for the swap" "교체 조건";
    Data "The data" "데이터";
    Scores "Predictions" "예측값";
    Paired "Row by row" "행별 비교";
    Calibration "Calibration" "확률 보정";
    Performance "Performance" "성능";
    Estimated "Performance without labels" "라벨 없는 성능 추정";
    Segments "Segments" "세그먼트";
    Attribution "Reasons" "예측 근거";
    Movers "Rows that move the most" "가장 많이 달라지는 행";
    Rollback "When to go back" "되돌리는 조건";

    // Heads of tables.
    Column "column" "열";
    Verdict "verdict" "판정";
    Effect "effect" "효과";
    Probability "p (adjusted)" "p (보정)";
    Since "since" "시작";
    Importance "importance" "중요도";
    Statistic "statistic" "통계량";
    Value "value" "값";
    Threshold "threshold" "기준치";
    Detectable "detectable" "검출 한계";
    RowsNeeded "rows needed" "필요 행 수";
    Aspect "what" "항목";
    Rows "rows" "행 수";
    Table "table" "테이블";
    Version "version" "버전";
    Time "time" "기간";
    Filter "only rows with" "행 조건";
    Hash "SHA-256" "SHA-256";
    Type "type" "자료형";
    MissingRate "missing" "결측률";
    Infinite "infinite" "무한대";
    Range "range" "범위";
    Mean "mean" "평균";
    Deviation "standard deviation" "표준편차";
    Distinct "distinct values" "고유값 수";
    Source "source" "출처";
    Load "load" "적재";
    Columns "columns" "열";
    Side "side" "구분";
    At "when" "시각";
    Pair "columns" "열 쌍";
    Correlation "rank correlation" "순위 상관";
    Part "share" "비중";
    Condition "condition" "조건";
    Found "found" "결과";
    Allowed "allowed" "허용";
    Result "result" "판정";
    Metric "metric" "지표";
    Difference "difference" "차이";
    Better "better" "나은 쪽";
    Segment "segment" "세그먼트";
    Delta "mean difference" "평균 차이";
    Disagreement "disagreement" "불일치율";
    Feature "feature" "특성";
    Rank "place" "순위";
    Row "row" "행";
    Label "label" "라벨";
    Reasons "reasons that differ" "달라진 근거";
    Model "model" "모델";
    Estimate "estimate" "추정치";
    Chunk "rows from" "시작 행";
    Realized "by labels" "라벨 기준";
    Alarm "alarm" "경보";
    Windows "windows so far" "지금까지의 구간";
    Alarms "Alarms that went on or were over" "발생하거나 해제된 경보";

    // Aspects.
    Values "values" "값";
    Missing "missing rate" "결측률";
    Outside "out of range" "범위 이탈";
    Length "length" "길이";
    Pattern "kinds of characters" "문자 유형";
    Token "pairs of characters" "문자쌍";
    Element "elements" "원소";
    Direction "vectors: direction" "벡터 방향";
    Distance "vectors: distance from the centre" "벡터 중심 거리";
    Hour "hour of the day" "시각";
    Weekday "day of the week" "요일";

    // Kinds of columns.
    Numbers "numbers" "숫자";
    Times "times" "시간";
    Booleans "booleans" "참/거짓";
    Texts "texts" "텍스트";
    Lists "lists" "목록";
    Nothing "no values" "값 없음";

    // The rest.
    NewOnes "new" "새 범주";
    VanishedOnes "vanished" "사라진 범주";
    NewColumns "new columns" "새 열";
    VanishedColumns "vanished columns" "사라진 열";
    SkippedColumns "not compared" "비교하지 않은 열";
    AllStatistics "all statistics" "모든 통계량";
    NoEffects "Nothing was compared here: a side has no rows." "비교할 수 없음: 한쪽에 행이 없음.";
    ShareOfRows "share of rows" "행의 비율";
    Yes "yes" "예";
    No "no" "아니요";
    Shape "distribution" "분포";
    Latency "a row takes, of many" "여러 행일 때 행당 시간";
    Single "one row by itself: median (95th percentile)" "한 행만 예측할 때: 중앙값 (95백분위)";
    Size "size" "크기";
    Format "format" "형식";
    Prediction "prediction" "예측값";
    Percentile "percentile" "백분위";
    NotFinite "missing or infinite" "결측·무한대";
    Saturation "at the ends" "양 끝값 비율";
    Tails "beyond M1's 1st and 99th percentile" "M1의 1·99 백분위 밖";
    Agreement "Predicted classes" "예측 범주";
    Improves "M2 is better" "M2가 나음";
    Worsens "M2 is worse" "M2가 나쁨";
    Same "no difference that chance does not explain" "우연 이상의 차이 없음";
    WorseSegment "worse" "나빠짐";
    Thresholds "What other thresholds would do" "임계값을 바꾸면";
    Cut "threshold" "임계값";
    Flagged "rows flagged" "양성으로 보는 행";
    Recall "positives found (recall)" "찾아낸 양성 (재현율)";
    Precision "positives among the flagged (precision)" "양성 예측 중 실제 양성 (정밀도)";
    FalsePositives "others flagged by mistake (false positive rate)" "잘못 양성으로 본 음성 (위양성률)";
    Chance "chance" "무작위";
    InUse "in use" "사용 중";
    ByLabel "Predictions by label" "라벨별 예측값";
    ByPrediction "Labels by prediction" "예측값별 라벨";
    ByClass "Class by class" "범주별 성능";
    Class "class" "범주";
    MeanLabel "mean of the labels" "라벨 평균";
    Right "prediction = label" "예측값 = 라벨";
    MadeBy "Made by Hanok" "Hanok에서 생성";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_in_both_languages() {
        let is_hangul = |c: char| ('가'..='힣').contains(&c);
        for word in Word::ALL {
            let (en, ko) = (word.text(Language::En), word.text(Language::Ko));
            assert!(!en.is_empty() && !en.contains(is_hangul), "{word:?}: {en}");
            // What is the same everywhere is the name of an algorithm.
            assert!(ko.contains(is_hangul) || *word == Word::Hash, "{word:?}: {ko}");
            for text in [en, ko] {
                assert!(!text.contains(['<', '>', '&', '"']), "{word:?} is not escaped");
            }
        }
    }
}
