import { canonicalJson } from '../../core/canonical.ts';

/** CloudWatch's alarms of this account may tell a topic, and nobody else's may. */
export const topicPolicy = (arn: string, account: string): string =>
  canonicalJson({
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'RolecallAlarms',
        Effect: 'Allow',
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Action: 'sns:Publish',
        Resource: arn,
        Condition: { StringEquals: { 'aws:SourceAccount': account } },
      },
    ],
  });

/** The policy that a topic has, as text: where it means what it shall, that text. */
export const policyText = (policy: unknown, wanted: string): string =>
  canonicalJson(settled(policy)) === canonicalJson(settled(JSON.parse(wanted))) ? wanted : canonicalJson(policy);

/** A list of one is the one, and actions have no case. */
const settled = (value: unknown, key = ''): unknown => {
  if (Array.isArray(value)) return value.length === 1 ? settled(value[0], key) : value.map((item) => settled(item, key));
  if (typeof value === 'string') return key === 'Action' ? value.toLowerCase() : value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([inner, one]) => [inner, settled(one, inner)]));
};
