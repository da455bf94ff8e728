import type { Finding } from '../../model/finding.ts';
import type { Desired, Watch } from './desired.ts';
import { parseTopic, topicKey } from './names.ts';
import type { Snapshot } from './snapshot.ts';

/** What is in the way of telling a topic that the manifest names by its ARN: it is elsewhere, not there, or one that we keep. */
export const toldFindings = ({ alarm, server }: Watch, snapshot: Snapshot, desired: Desired): readonly Finding[] => {
  const { name, target, topic: arn, source } = alarm;
  const topic = arn === null ? null : parseTopic(arn);
  if (arn === null || topic === null) return [];
  const finding = (severity: Finding['severity'], slug: string, message: string, hint: string): readonly Finding[] => [
    { severity, code: `alarms/${slug}`, message, hint, source },
  ];
  const partition = arn.split(':')[1]!;
  if (topic.region !== server.region || partition !== server.partition) {
    const [here, there] = [server, { region: topic.region, partition }].map((one) => `${one.region} (${one.partition})`);
    return finding(
      'error',
      'topic-region',
      `alarm '${name}' of '${target}' is in ${here} and its topic in ${there}: an alarm tells topics of its own region alone`,
      `name a topic in ${server.region}; one that is given by its name is made where it is needed`,
    );
  }
  // Known by its ARN alone it is no longer one that we keep: it would go, and whom it tells with it.
  if (snapshot.topics.get(arn)?.stack === desired.stack && !desired.topics.has(topicKey(topic)))
    return finding(
      'error',
      'own-topic',
      `alarm '${name}' of '${target}' names topic '${topic.name}' by its ARN, and it is ours: no longer kept it would go, and nobody would be told`,
      `write topic: ${topic.name}, or take the tag rolecall:stack off it for others to keep it`,
    );
  if (snapshot.absentTopics.has(arn))
    return finding(
      'warning',
      'no-topic',
      `alarm '${name}' of '${target}' tells topic '${topic.name}', which is not in ${topic.region}: nobody hears of it`,
      'make the topic, or write its name for one that is made and kept',
    );
  return [];
};
