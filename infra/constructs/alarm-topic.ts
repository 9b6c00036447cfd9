import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';

export interface AlarmTopicProps {
  /** Receives the mails. @default no mail */
  readonly email: string | undefined;
}

/** Services that report trouble: alarms, budgets, cost anomalies. */
const PUBLISHERS = ['cloudwatch', 'budgets', 'costalerts'];

/**
 * A topic for alarms. A topic with a policy of its own (here: TLS only) has lost the default one, so
 * each service that publishes has to be let in by name, for this account's sake only.
 */
export function createAlarmTopic(scope: Construct, id: string, props: AlarmTopicProps): Topic {
  const topic = new Topic(scope, id, { enforceSSL: true });
  for (const service of PUBLISHERS) {
    topic.addToResourcePolicy(
      new PolicyStatement({
        sid: `Let${service.charAt(0).toUpperCase()}${service.slice(1)}Publish`,
        principals: [new ServicePrincipal(`${service}.amazonaws.com`)],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': topic.stack.account } },
      }),
    );
  }
  if (props.email !== undefined) {
    const subscription = topic.addSubscription(new EmailSubscription(props.email));
    acknowledge(
      subscription,
      'A mail that cannot be delivered is lost on one reader; the alarm itself stays in CloudWatch.',
      'Serverless-SNSRedrivePolicy',
    );
  }
  return topic;
}
