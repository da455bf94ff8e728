import { CloudWatchLogsClient, CreateLogGroupCommand, CreateLogStreamCommand, PutLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { clientConfig, type Moto } from '../lab/aws/moto.ts';

/** Writes lines into a log group, as RDS exports them: one stream for the instance. */
export const exportLines = async (
  moto: Pick<Moto, 'url'>,
  logGroupName: string,
  logStreamName: string,
  lines: readonly string[],
  timestamp = Date.now(),
): Promise<void> => {
  const client = new CloudWatchLogsClient(clientConfig(moto));
  try {
    await client.send(new CreateLogGroupCommand({ logGroupName })).catch(existing);
    await client.send(new CreateLogStreamCommand({ logGroupName, logStreamName })).catch(existing);
    const logEvents = lines.filter((line) => line !== '').map((message) => ({ message, timestamp }));
    if (logEvents.length > 0) await client.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }));
  } finally {
    client.destroy();
  }
};

const existing = (error: Error): void => {
  if (error.name !== 'ResourceAlreadyExistsException') throw error;
};
