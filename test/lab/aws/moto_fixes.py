"""Rules of AWS that moto 5.1 does not keep, added when it starts; moto itself stays as it was fetched.

These are ours. A test that passes only because of one of them shows what AWS's documentation says, as we read it, and is no
evidence by a third party; the tests of the lab name each, and show that moto lacks it.
"""

import random
import re
import string

from moto.core.exceptions import WRAPPED_SINGLE_ERROR_RESPONSE, RESTError
from moto.iam import models as iam
from moto.iam import responses as iam_responses
from moto.iam.exceptions import EntityAlreadyExists, IAMConflictException, IAMLimitExceededException
from moto.rds import models as rds
from moto.rds.exceptions import DBClusterNotFoundError

# IAM User Guide, "IAM and AWS STS quotas"
POLICY_SIZE = 6144
ATTACHED = 10


def corrects(owner, name):
    """The decorated function replaces owner's method, and gets the method as its first argument."""

    def replace(function):
        original = getattr(owner, name)
        setattr(owner, name, lambda self, *args, **kwargs: function(original, self, *args, **kwargs))
        return function

    return replace


# The Query protocol's errors are <ErrorResponse><Error>; a list of <Errors> is EC2's alone.
RESTError.templates["error"] = WRAPPED_SINGLE_ERROR_RESPONSE

# IAM API Reference: LimitExceeded is answered with 409.
IAMLimitExceededException.code = 409


# IAM User Guide, "IAM identifiers": names are unique in the account whatever their case and path.


def taken(name, entities):
    return any(entity.name.lower() == name.lower() for entity in entities)


@corrects(iam.IAMBackend, "create_policy")
def create_policy(original, self, description, path, policy_document, policy_name, tags):
    own = [p for p in self.managed_policies.values() if not isinstance(p, iam.AWSManagedPolicy)]
    if taken(policy_name, own):
        raise EntityAlreadyExists(f"A policy called {policy_name} already exists. Duplicate names are not allowed.")
    check_size(policy_document)
    return original(self, description, path, policy_document, policy_name, tags)


@corrects(iam.IAMBackend, "create_role")
def create_role(original, self, role_name, *args, **kwargs):
    if taken(role_name, self.roles.values()):
        raise EntityAlreadyExists(f"Role with name {role_name} already exists.")
    return original(self, role_name, *args, **kwargs)


@corrects(iam.IAMBackend, "create_user")
def create_user(original, self, region_name, user_name, *args, **kwargs):
    if taken(user_name, self.users.values()):
        raise EntityAlreadyExists(f"User with name {user_name} already exists.")
    return original(self, region_name, user_name, *args, **kwargs)


@corrects(iam.IAMBackend, "create_group")
def create_group(original, self, group_name, path="/"):
    if taken(group_name, self.groups.values()):
        raise EntityAlreadyExists(f"Group with name {group_name} already exists.")
    return original(self, group_name, path)


# IAM User Guide, "IAM and AWS STS quotas": a managed policy has at most 6,144 characters; white space does not count.


def check_size(document):
    if len(re.sub(r"\s", "", document)) > POLICY_SIZE:
        raise IAMLimitExceededException(f"Cannot exceed quota for PolicySize: {POLICY_SIZE}")


@corrects(iam.IAMBackend, "create_policy_version")
def create_policy_version(original, self, policy_arn, policy_document, set_as_default):
    check_size(policy_document)
    return original(self, policy_arn, policy_document, set_as_default)


# IAM API Reference, DeletePolicy and DeleteGroup: nothing goes that is still in use.


@corrects(iam.IAMBackend, "delete_policy")
def delete_policy(original, self, policy_arn):
    policy = self.get_policy(policy_arn)
    holders = [*self.roles.values(), *self.users.values(), *self.groups.values()]
    if any(policy_arn in holder.managed_policies for holder in holders):
        raise IAMConflictException("DeleteConflict", "Cannot delete a policy attached to entities.")
    if len(policy.versions) > 1:
        raise IAMConflictException(
            "DeleteConflict",
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
            "The default version is deleted with the policy.",
        )
    return original(self, policy_arn)


@corrects(iam.IAMBackend, "delete_group")
def delete_group(original, self, group_name):
    group = self.groups.get(group_name)
    if group is not None and (group.managed_policies or group.policies):
        raise IAMConflictException("DeleteConflict", "Cannot delete entity, must detach all policies first.")
    if group is not None and group.users:
        raise IAMConflictException("DeleteConflict", "Cannot delete entity, must remove users from group first.")
    return original(self, group_name)


# IAM API Reference, AttachRolePolicy and its kin: attaching again changes nothing; 10 policies to a role, user or group.


@corrects(iam.ManagedPolicy, "attach_to")
def attach_to(original, self, holder):
    if self.arn in holder.managed_policies:
        return
    if len(holder.managed_policies) >= ATTACHED:
        raise IAMLimitExceededException(f"Cannot exceed quota for PoliciesPer{type(holder).__name__}: {ATTACHED}")
    original(self, holder)


# IAM API Reference, PutUserPermissionsBoundary; its place in CreateUser, GetUser and GetAccountAuthorizationDetails.

BOUNDARY = """
{%% if %(of)s.permissions_boundary %%}
<PermissionsBoundary>
  <PermissionsBoundaryType>PermissionsBoundaryPolicy</PermissionsBoundaryType>
  <PermissionsBoundaryArn>{{ %(of)s.permissions_boundary }}</PermissionsBoundaryArn>
</PermissionsBoundary>
{%% endif %%}
"""

iam.User.permissions_boundary = None


def put_user_permissions_boundary(self):
    self.backend.get_user(self._get_param("UserName")).permissions_boundary = self._get_param("PermissionsBoundary")
    return self.response_template(iam_responses.GENERIC_EMPTY_TEMPLATE).render(name="PutUserPermissionsBoundary")


def delete_user_permissions_boundary(self):
    self.backend.get_user(self._get_param("UserName")).permissions_boundary = None
    return self.response_template(iam_responses.GENERIC_EMPTY_TEMPLATE).render(name="DeleteUserPermissionsBoundary")


iam_responses.IamResponse.put_user_permissions_boundary = put_user_permissions_boundary
iam_responses.IamResponse.delete_user_permissions_boundary = delete_user_permissions_boundary


@corrects(iam_responses.IamResponse, "create_user")
def create_user_with_boundary(original, self):
    answer = original(self)
    self.backend.get_user(self._get_param("UserName")).permissions_boundary = self._get_param("PermissionsBoundary")
    return answer


def rewrite(template, was, now):
    """Changes one of moto's answers; fails at the start when moto's text is not what it was."""
    text = getattr(iam_responses, template)
    if was not in text:
        raise RuntimeError(f"{template} of this moto does not contain {was!r}: is it another version?")
    setattr(iam_responses, template, text.replace(was, now))


rewrite("USER_TEMPLATE", "<Arn>{{ user.arn }}</Arn>", "<Arn>{{ user.arn }}</Arn>" + BOUNDARY % {"of": "user"})

DETAILS = "GET_ACCOUNT_AUTHORIZATION_DETAILS_TEMPLATE"
rewrite(DETAILS, "<Arn>{{ user.arn }}</Arn>", "<Arn>{{ user.arn }}</Arn>" + BOUNDARY % {"of": "user"})
rewrite(
    DETAILS,
    "<RoleId>{{ role.id }}</RoleId>\n      </member>",
    "<RoleId>{{ role.id }}</RoleId>\n" + BOUNDARY % {"of": "role"} + "</member>",
)

# IAM API Reference, RoleDetail and ManagedPolicyDetail: a role lists the instance profiles that contain it, a policy how often it
# is attached.
rewrite(DETAILS, "{% for profile in instance_profiles %}", "{% for profile in instance_profiles if role in profile.roles %}")
rewrite(DETAILS, "<AttachmentCount>1</AttachmentCount>", "<AttachmentCount>{{ policy.attachment_count }}</AttachmentCount>")

# IAM API Reference, PolicyVersion and ManagedPolicyDetail: the document is URL-encoded by RFC 3986.
for versions in ("CREATE_POLICY_VERSION_TEMPLATE", "GET_POLICY_VERSION_TEMPLATE", "LIST_POLICY_VERSIONS_TEMPLATE", DETAILS):
    rewrite(versions, "{{ policy_version.document }}", "{{ policy_version.document | urlencode }}")


# RDS API Reference, DBInstance: DbiResourceId is unique in the region and never changes.


@corrects(rds.DBInstance, "__init__")
def new_instance(original, self, *args, **kwargs):
    original(self, *args, **kwargs)
    self.dbi_resource_id = "db-" + "".join(random.choices(string.ascii_uppercase + string.digits, k=26))


# RDS User Guide, "Enabling and disabling IAM database authentication": clusters and instances, at their creation or later; Multi-AZ
# DB clusters too; later without ApplyImmediately it is pending until the maintenance window.

FLAG = "enable_iam_database_authentication"


@corrects(rds.DBCluster, "__init__")
def new_cluster(original, self, *args, **kwargs):
    flag = kwargs.pop(FLAG, None)
    original(self, *args, **kwargs)
    self.iam_auth = bool(flag)


def switch(resource, attribute, kwargs):
    flag = kwargs.get(FLAG)
    if flag is None:
        return
    del kwargs[FLAG]
    if kwargs.get("apply_immediately"):
        setattr(resource, attribute, flag)
        resource.pending_modified_values = None
    elif flag != getattr(resource, attribute):
        resource.pending_modified_values = {"IAMDatabaseAuthenticationEnabled": flag}


@corrects(rds.RDSBackend, "modify_db_cluster")
def modify_db_cluster(original, self, kwargs):
    cluster = self.clusters.get(kwargs["db_cluster_identifier"])
    if cluster is None:
        raise DBClusterNotFoundError(kwargs["db_cluster_identifier"])
    switch(cluster, "iam_auth", kwargs)
    export_logs(cluster, kwargs.pop("cloudwatch_logs_export_configuration", None) or {})
    return original(self, kwargs)


# RDS API Reference, ModifyDBCluster: CloudwatchLogsExportConfiguration. Of instances moto knows it.


def export_logs(cluster, wanted):
    kept = [log for log in cluster.enabled_cloudwatch_logs_exports if log not in wanted.get("DisableLogTypes", [])]
    new = [log for log in wanted.get("EnableLogTypes", []) if log not in kept]
    cluster.enabled_cloudwatch_logs_exports = kept + new


@corrects(rds.RDSBackend, "modify_db_instance")
def modify_db_instance(original, self, db_instance_identifier, db_kwargs):
    switch(self.describe_db_instances(db_instance_identifier)[0], FLAG, db_kwargs)
    return original(self, db_instance_identifier, db_kwargs)
