import { Duration, Stack, type StackProps } from "aws-cdk-lib";
import { Dashboard, GraphWidget, type IMetric, Metric, Stats } from "aws-cdk-lib/aws-cloudwatch";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { FilterPattern, MetricFilter } from "aws-cdk-lib/aws-logs";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import type { Construct } from "constructs";
import { ExplainedAlarm, type ExplainedAlarmProps } from "../constructs/explained-alarm.ts";
import type { LedgerFunction } from "../constructs/ledger-function.ts";
import type { Settings } from "../settings.ts";
import type { ApiStack } from "./api-stack.ts";
import type { DataStack } from "./data-stack.ts";
import type { IngestStack } from "./ingest-stack.ts";
import type { JobsStack } from "./jobs-stack.ts";
import { GIVEN_UP_DAYS, type ProjectStack } from "./project-stack.ts";
import type { UpkeepStack } from "./upkeep-stack.ts";

/** What the operations stack watches. */
export interface OperationsStackProps extends StackProps {
  readonly data: DataStack;
  readonly ingest: IngestStack;
  readonly jobs: JobsStack;
  readonly api: ApiStack;
  readonly project: ProjectStack;
  readonly upkeep: UpkeepStack;
  readonly settings: Settings;
}

const PERIOD = Duration.minutes(5);

/** Alarms with what to do about each, mail where an address is set, and a dashboard. */
export class OperationsStack extends Stack {
  constructor(scope: Construct, id: string, props: OperationsStackProps) {
    super(scope, id, props);
    const topic = this.makeTopic(props.settings.alarmEmail);
    const alarm = (name: string, of: Omit<ExplainedAlarmProps, "topic">): void => {
      new ExplainedAlarm(this, name, { ...of, topic });
    };
    const functions: readonly (readonly [string, LedgerFunction])[] = [
      ["Consume", props.ingest.consume],
      ["Work", props.jobs.work],
      ["Project", props.project.project],
      ["Reap", props.upkeep.reap],
      ...Object.entries(props.api.functions).map(
        ([name, of]) => [`${name.charAt(0).toUpperCase()}${name.slice(1)}`, of] as const,
      ),
    ];
    const watched = [
      ...this.watchQueue(props, alarm),
      ...this.watchJobs(props, alarm),
      ...this.watchApi(props, alarm),
      ...this.watchStream(props, alarm),
      ...this.watchUpkeep(props, alarm),
    ];
    for (const [name, of] of functions) {
      alarm(`${name}Throttles`, {
        metric: of.function.metricThrottles({ period: PERIOD }),
        above: props.settings.alarms.throttles,
        unit: "invocations",
        meaning: `The function ${name} was refused processors`,
        whatToDo:
          "look whether the account's Lambda concurrency is used up, and ask for more or lower other functions' share",
      });
    }
    this.draw(watched, functions);
  }

  private makeTopic(email: string | undefined): Topic | undefined {
    if (email === undefined) return undefined;
    const topic = new Topic(this, "Alarms", { displayName: `Alarms of ${this.stackName}`, enforceSSL: true });
    // A policy of its own replaces the one that would let alarms in.
    topic.addToResourcePolicy(
      new PolicyStatement({
        actions: ["sns:Publish"],
        resources: [topic.topicArn],
        principals: [new ServicePrincipal("cloudwatch.amazonaws.com")],
        conditions: { StringEquals: { "aws:SourceAccount": this.account } },
      }),
    );
    topic.addSubscription(new EmailSubscription(email));
    return topic;
  }

  private watchQueue({ ingest, settings }: OperationsStackProps, alarm: Alarmed): Watched[] {
    const { queue, deadLetters } = ingest.events;
    const dead = deadLetters.metricApproximateNumberOfMessagesVisible({ period: PERIOD, statistic: Stats.MAXIMUM });
    const age = queue.metricApproximateAgeOfOldestMessage({ period: PERIOD, statistic: Stats.MAXIMUM });
    const refused = this.countLines(ingest.consume, "EventsRefused", "event refused");
    alarm("DeadLetters", {
      metric: dead,
      above: 0,
      unit: "messages",
      meaning: "Messages were tried as often as allowed and not recorded",
      whatToDo:
        "find the fault in the log of the function Consume, put it right, then move the messages back " +
        "(SQS console: Start DLQ redrive). They are kept for 14 days from their sending",
    });
    alarm("OldestMessage", {
      metric: age,
      above: settings.alarms.oldestMessageSeconds,
      unit: "seconds",
      meaning: "Events wait on the queue for too long",
      whatToDo:
        "look for errors and throttles of the function Consume; if it is merely busy, raise queue.maxConcurrency in the settings",
    });
    alarm("EventsRefused", {
      metric: refused,
      above: 0,
      unit: "events",
      meaning: "Events from the queue were refused and are in quarantine",
      whatToDo:
        "see them with GET /v1/quarantine or `npm run cli -- quarantine list`, mend their producer, and redrive them within 14 days",
    });
    return [
      { title: "Queue: age of the oldest message (s)", metrics: [age] },
      { title: "Dead letters and refused events", metrics: [dead, refused] },
    ];
  }

  private watchJobs({ jobs }: OperationsStackProps, alarm: Alarmed): Watched[] {
    const { queue, deadLetters } = jobs.jobs;
    const dead = deadLetters.metricApproximateNumberOfMessagesVisible({ period: PERIOD, statistic: Stats.MAXIMUM });
    const age = queue.metricApproximateAgeOfOldestMessage({ period: PERIOD, statistic: Stats.MAXIMUM });
    alarm("JobDeadLetters", {
      metric: dead,
      above: 0,
      unit: "messages",
      meaning: "Deletions by filter or exports stand still: they could not go on, nor be written down as failed",
      whatToDo:
        "find the fault in the log of the function Work, put it right, then move the messages back " +
        "(SQS console: Start DLQ redrive): the jobs go on where they were. They are kept for 14 days from their sending",
    });
    return [{ title: "Jobs: age of the oldest that waits (s), and dead letters", metrics: [age, dead] }];
  }

  private watchApi({ api, settings }: OperationsStackProps, alarm: Alarmed): Watched[] {
    const errors = api.api.metricServerError({ period: PERIOD, statistic: Stats.SUM });
    alarm("ServerErrors", {
      metric: errors,
      above: settings.alarms.serverErrors,
      unit: "answers",
      meaning: "The API answers with 5xx",
      whatToDo: "take a request_id from the access log and look for it in the log of the function of its route",
    });
    return [
      {
        title: "Requests, refused and failed",
        metrics: [
          api.api.metricCount({ period: PERIOD }),
          api.api.metricClientError({ period: PERIOD, statistic: Stats.SUM }),
          errors,
        ],
      },
      {
        title: "Time of an answer (ms)",
        metrics: [Stats.p(50), Stats.p(99)].map((statistic) => api.api.metricLatency({ period: PERIOD, statistic })),
      },
    ];
  }

  private watchStream({ project, settings }: OperationsStackProps, alarm: Alarmed): Watched[] {
    const age = project.project.function.metric("IteratorAge", { period: PERIOD, statistic: Stats.MAXIMUM });
    const kept = new Metric({
      namespace: "AWS/Lambda",
      metricName: "OnFailureDestinationDeliveredEventCount",
      dimensionsMap: { EventSourceMappingUUID: project.mappingId },
      period: PERIOD,
      statistic: Stats.SUM,
    });
    alarm("StreamLag", {
      metric: age,
      above: settings.alarms.streamLagSeconds * 1000,
      unit: "milliseconds",
      meaning: "Domain events lag behind",
      whatToDo: "look for errors in the log of the function Project; it tries again until a batch is an hour old",
    });
    alarm("DomainEventsNotPublished", {
      metric: kept,
      above: 0,
      unit: "events",
      meaning:
        "Changes of runs were given up after an hour of tries; their records are kept whole in the failures bucket " +
        `for ${GIVEN_UP_DAYS} days`,
      whatToDo:
        "find the fault in the log of the function Project, put it right, then `npm run cli -- failures replay --stage <stage>` " +
        "before they are over",
    });
    const lost = project.project.function.metric("DestinationDeliveryFailures", {
      period: PERIOD,
      statistic: Stats.SUM,
    });
    alarm("DomainEventsNotKept", {
      metric: lost,
      above: 0,
      unit: "batches",
      meaning:
        "Records that were given up could not be written to the failures bucket, and their domain events are lost",
      whatToDo:
        "look whether bucket and role of the project stack are as deployed; who listens can read the runs again, by their times",
    });
    return [{ title: "Domain events: lag (ms) and given up", metrics: [age, kept, lost] }];
  }

  private watchUpkeep({ upkeep }: OperationsStackProps, alarm: Alarmed): Watched[] {
    const failed = upkeep.deadLetters.metricApproximateNumberOfMessagesVisible({
      period: PERIOD,
      statistic: Stats.MAXIMUM,
    });
    const errors = upkeep.reap.function.metricErrors({ period: PERIOD });
    alarm("UpkeepFailed", {
      metric: failed,
      above: 0,
      unit: "messages",
      meaning: "The upkeep of runs failed, and failed again: silent runs may stay open, changed retention may wait",
      whatToDo:
        "find the fault in the log of the function Reap (its lines name tenant and app) and put it right; the next " +
        "tick makes up for it. Then purge the dead letters of the upkeep stack: they hold nothing that is needed",
    });
    return [{ title: "Upkeep: failed ticks", metrics: [errors, failed] }];
  }

  /** Counts the lines of a function's log that say this. */
  private countLines(of: LedgerFunction, metricName: string, message: string): IMetric {
    const filter = new MetricFilter(this, `${metricName}Filter`, {
      logGroup: of.logGroup,
      filterPattern: FilterPattern.stringValue("$.message", "=", message),
      metricNamespace: this.stackName,
      metricName,
      metricValue: "1",
    });
    return filter.metric({ period: PERIOD, statistic: Stats.SUM });
  }

  private draw(watched: readonly Watched[], functions: readonly (readonly [string, LedgerFunction])[]): void {
    const dashboard = new Dashboard(this, "Dashboard", { dashboardName: this.stackName });
    const graphs = watched.map(({ title, metrics }) => new GraphWidget({ title, left: [...metrics], width: 12 }));
    const perFunction = [
      ["Errors of the functions", "metricErrors"],
      ["Time of the functions (ms)", "metricDuration"],
    ] as const;
    for (const [title, metric] of perFunction) {
      const left = functions.map(([label, of]) => of.function[metric]({ label, period: PERIOD }));
      graphs.push(new GraphWidget({ title, left, width: 12 }));
    }
    dashboard.addWidgets(...graphs);
  }
}

type Alarmed = (name: string, of: Omit<ExplainedAlarmProps, "topic">) => void;

interface Watched {
  readonly title: string;
  readonly metrics: readonly IMetric[];
}
