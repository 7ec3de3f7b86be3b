/** Kinds of alerts that no detector raises, with what they say; those of detectors stand in their specs. */
export const OWN_ALERT_KINDS = {
  "flash-sale": "A product has many views and few purchases in a window.",
  "high-propensity": "A session is likely to end in a purchase.",
  fraud: "An order that the model takes for likely fraud.",
  "model-problem": "A model cannot be used, and another or none scores in its place.",
  "model-drift": "Scores, features or intervals of a model are no longer as they were in training.",
  "model-calibration": "What a model's scores say is not what comes.",
  "data-quality": "A check finds rows of a table that cannot be right.",
  "daily-report": "A report of a day is there, with what it says in short.",
  "report-failed": "A report of a day could not be made, several times in a row.",
} as const satisfies Readonly<Record<string, string>>;

export type OwnAlertKind = keyof typeof OWN_ALERT_KINDS;
