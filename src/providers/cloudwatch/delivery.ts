import type { Declared } from '../../model/declared.ts';
import type { Finding, Position } from '../../model/finding.ts';
import { byCodeUnit } from '../../model/key.ts';
import type { Desired } from './desired.ts';
import { parseTopic, subscriptionKey, topicArn, topicKey } from './names.ts';
import type { FoundTopic, Snapshot } from './snapshot.ts';

/** Why what alarms tell does not get to somebody, or not all of it. */
export const deliveryFindings = (snapshot: Snapshot, declared: Declared, desired: Desired): readonly Finding[] => [
  ...unconfirmed(snapshot, declared, desired),
  ...filtered(snapshot, desired),
  ...topicKeys(snapshot, declared, desired),
];

/** Who is asked has to say yes: until then no mail comes, and there is nothing that a plan could do about it. */
const unconfirmed = (snapshot: Snapshot, declared: Declared, desired: Desired): readonly Finding[] => {
  const pending = [...snapshot.topics.values()]
    .filter(({ stack }) => stack === declared.stack)
    .flatMap((topic) =>
      topic.subscriptions
        .filter(({ arn, protocol }) => arn === null && protocol === 'email')
        .map(({ address }) => ({ topic, address, key: subscriptionKey({ topic: topic.name, region: topic.region, address }) })),
    )
    .sort((a, b) => byCodeUnit(a.key, b.key));
  return pending.flatMap(({ topic, address, key }): Finding[] => {
    const wanted = desired.subscriptions.get(key);
    if (wanted) return [waits(topic, address, wanted.source)];
    return desired.topics.has(topicKey(topic)) ? [lapses(topic, address, declared)] : [];
  });
};

const waits = ({ name, region }: FoundTopic, address: string, source: Position): Finding => ({
  severity: 'warning',
  code: 'alarms/unconfirmed',
  message: `'${address}' has not confirmed that it wants mail of topic '${name}' (${region}): until then it gets none`,
  hint: 'let its owner follow the link in the mail that AWS sent; the request lapses after some days, and is then made again',
  source,
});

const lapses = ({ name, region }: FoundTopic, address: string, { target }: Declared): Finding => ({
  severity: 'note',
  code: 'alarms/lapses',
  message: `'${address}' was asked to confirm mail of topic '${name}' (${region}), is not declared, and has not answered: no call takes that back`,
  hint: 'it lapses by itself after some days; confirmed before that, the next plan removes it',
  source: target.source,
});

/** CloudWatch's messages have no attributes: a filter on those lets none through, and one on the body whatever it says. */
const filtered = (snapshot: Snapshot, desired: Desired): readonly Finding[] =>
  [...desired.subscriptions.values()].flatMap(({ body: { topic, region, address }, source }): Finding[] => {
    const there = snapshot.topics.get(topicArn({ name: topic, region }, snapshot));
    const one = there?.subscriptions.find((found) => found.protocol === 'email' && found.address === address);
    if (one?.filter === undefined) return [];
    return [
      {
        severity: 'warning',
        code: 'alarms/filtered',
        message: `'${address}' gets only what the filter policy of its subscription to topic '${topic}' (${region}) lets through, and may miss alarms`,
        hint: `aws sns set-subscription-attributes --subscription-arn ${one.arn} --attribute-name FilterPolicy --attribute-value '{}' --region ${region}`,
        source,
      },
    ];
  });

/** Amazon SNS Developer Guide, "Encrypting messages published to Amazon SNS": the key that AWS manages lets no other service in. */
const topicKeys = (snapshot: Snapshot, declared: Declared, desired: Desired): readonly Finding[] => {
  const kept = [...desired.topics.values()].map(({ body, source }) => {
    const arn = topicArn(body, snapshot);
    return { arn, key: snapshot.topics.get(arn)?.key, source };
  });
  const told = declared.alarms!.alarms.flatMap(({ topic, source }) =>
    topic !== null && snapshot.toldKeys.has(topic) ? [{ arn: topic, key: snapshot.toldKeys.get(topic), source }] : [],
  );
  const topics = [...kept, ...told].filter(({ arn }, index, all) => all.findIndex((one) => one.arn === arn) === index);
  return topics.flatMap(({ arn, key, source }): Finding[] => {
    if (key === undefined || !/(^|:)alias\/aws\/sns$/.test(key)) return [];
    const { name, region } = parseTopic(arn)!;
    return [
      {
        severity: 'warning',
        code: 'alarms/topic-key',
        message: `topic '${name}' (${region}) is encrypted by alias/aws/sns, which CloudWatch may not use: nobody hears of its alarms`,
        hint: `give it a key that lets cloudwatch.amazonaws.com kms:Decrypt and kms:GenerateDataKey*, or none: aws sns set-topic-attributes --topic-arn ${arn} --attribute-name KmsMasterKeyId --attribute-value '' --region ${region}`,
        source,
      },
    ];
  });
};
