"""Rules of SNS, CloudWatch Logs and CloudWatch that moto 5.1 does not keep, as moto_fixes.py has those of other services.

These are ours too: a test that passes only because of one of them shows what AWS's documentation says, as we read it.
"""

from moto.cloudwatch import models as cloudwatch
from moto.cloudwatch import responses as cloudwatch_responses
from moto.cloudwatch.exceptions import ResourceNotFound
from moto.logs import metric_filters
from moto.logs import models as logs
from moto.logs.exceptions import ResourceNotFoundException
from moto.sns import models as sns
from moto.sns import responses as sns_responses
from moto.sns.exceptions import SNSInvalidParameter, SNSNotFoundError

from moto_fixes import corrects

# SNS API Reference, Subscribe and ListSubscriptionsByTopic: who is asked by mail has no ARN until they confirm, and what is not
# confirmed cannot be ended.
MAIL = ("email", "email-json")


def shown(self):
    return "PendingConfirmation" if self.protocol in MAIL and not self.confirmed else self.arn


sns.Subscription.shown = property(shown)

for template in ("SUBSCRIBE_TEMPLATE", "LIST_SUBSCRIPTIONS_TEMPLATE", "LIST_SUBSCRIPTIONS_BY_TOPIC_TEMPLATE"):
    text = getattr(sns_responses, template)
    setattr(sns_responses, template, text.replace("{{ subscription.arn }}", "{{ subscription.shown }}"))


@corrects(sns_responses.SNSResponse, "confirm_subscription")
def confirm_subscription(original, self):
    """The token, which AWS mails, is the address here."""
    for subscription in self.backend.subscriptions.values():
        if subscription.topic.arn == self._get_param("TopicArn") and subscription.endpoint == self._get_param("Token"):
            subscription.confirmed = True
    return original(self)


@corrects(sns.SNSBackend, "unsubscribe")
def unsubscribe(original, self, subscription_arn):
    if not subscription_arn.startswith("arn:"):
        raise SNSInvalidParameter("Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not 1")
    if subscription_arn not in self.subscriptions:
        raise SNSNotFoundError("Subscription does not exist")
    return original(self, subscription_arn)


# SNS API Reference, CreateTopic: the same topic again is answered with its ARN, another one of that name is refused.


@corrects(sns.SNSBackend, "create_topic")
def create_topic(original, self, name, attributes=None, tags=None):
    known = next((topic for topic in self.topics.values() if topic.name == name), None)
    if known is not None and known._tags != (tags or {}):
        raise SNSInvalidParameter("Invalid parameter: Tags Reason: Topic already exists with different tags")
    return original(self, name, attributes, tags)


# CloudWatch Logs API Reference, PutMetricFilter and DeleteMetricFilter: a filter of that name is replaced; log groups are there first.


@corrects(logs.LogsBackend, "put_metric_filter")
def put_metric_filter(original, self, filter_name, filter_pattern, log_group_name, metric_transformations):
    if log_group_name not in self.groups:
        raise ResourceNotFoundException()
    self.filters.delete_filter(filter_name, log_group_name)
    return original(self, filter_name, filter_pattern, log_group_name, metric_transformations)


@corrects(logs.LogsBackend, "delete_metric_filter")
def delete_metric_filter(original, self, filter_name, log_group_name):
    if not any(f["filterName"] == filter_name and f["logGroupName"] == log_group_name for f in self.filters.metric_filters):
        raise ResourceNotFoundException("The specified metric filter does not exist.")
    return original(self, filter_name, log_group_name)


@corrects(metric_filters.MetricFilters, "delete_filter")
def delete_filter(original, self, filter_name=None, log_group_name=None):
    kept = [f for f in self.metric_filters if (f["filterName"], f["logGroupName"]) != (filter_name, log_group_name)]
    self.metric_filters = kept
    return kept


# The Query protocol names an answer after its operation.
cloudwatch_responses.DELETE_METRIC_ALARMS_TEMPLATE = cloudwatch_responses.DELETE_METRIC_ALARMS_TEMPLATE.replace(
    "DeleteMetricAlarmResponse", "DeleteAlarmsResponse"
)

# CloudWatch API Reference, PutMetricAlarm: tags are for new alarms; DeleteAlarms names alarms that are there.


@corrects(cloudwatch.CloudWatchBackend, "put_metric_alarm")
def put_metric_alarm(original, self, *args, **kwargs):
    if kwargs["name"] in self.alarms:
        kwargs["tags"] = None
    return original(self, *args, **kwargs)


@corrects(cloudwatch.CloudWatchBackend, "delete_alarms")
def delete_alarms(original, self, alarm_names):
    if any(name not in self.alarms for name in alarm_names):
        raise ResourceNotFound()
    for name in alarm_names:
        self.tagger.delete_all_tags_for_resource(self.alarms[name].alarm_arn)
    return original(self, alarm_names)
