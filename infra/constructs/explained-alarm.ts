import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";

/** An alarm and what whoever it wakes needs to know. */
export interface ExplainedAlarmProps {
  readonly metric: IMetric;
  /** In the metric's own unit; the alarm goes off above it. */
  readonly above: number;
  readonly unit: "messages" | "seconds" | "answers" | "invocations" | "milliseconds" | "events" | "batches";
  /** How many periods in a row. */
  readonly periods?: number;
  readonly meaning: string;
  readonly whatToDo: string;
  readonly topic: ITopic | undefined;
}

/**
 * An alarm that says what it means and what to do. Its metrics are counts and ages that a quiet service does not report,
 * so missing data is no breach.
 */
export class ExplainedAlarm extends Alarm {
  constructor(scope: Construct, id: string, props: ExplainedAlarmProps) {
    super(scope, id, {
      metric: props.metric,
      threshold: props.above,
      evaluationPeriods: props.periods ?? 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      alarmDescription: [
        `${props.meaning} (more than ${props.above} ${props.unit}).`,
        `What to do: ${props.whatToDo}`,
        "No data means that nothing happened, and is fine.",
      ].join("\n"),
    });
    if (props.topic !== undefined) {
      this.addAlarmAction(new SnsAction(props.topic));
      this.addOkAction(new SnsAction(props.topic));
    }
  }
}
