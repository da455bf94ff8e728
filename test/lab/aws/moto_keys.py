"""GET /moto-api/access-key?id=… on the emulator: whose key it is, and its secret, for those who check signatures. It changes
nothing that AWS has: its own /moto-api/data.json fails where a model of EC2 is missing, and forgets which keys were deleted."""

import json

from moto.core.utils import utcnow
from moto.iam.models import iam_backends
from moto.moto_api._internal.urls import url_paths
from moto.sts.models import sts_backends


def found(key_id):
    for account, partitions in iam_backends.items():
        for backend in partitions.values():
            for user in backend.users.values():
                for key in user.access_keys:
                    if key.access_key_id == key_id and key.status == "Active":
                        return {"secret": key.secret_access_key, "arn": user.arn, "account": account}
    for account, partitions in sts_backends.items():
        for backend in partitions.values():
            for session in backend.assumed_roles:
                if session.access_key_id == key_id and session.expiration > utcnow():
                    return {
                        "secret": session.secret_access_key,
                        "arn": session.arn,
                        "account": account,
                        "sessionToken": session.session_token,
                        "sessionPolicy": session.policy,
                        "role": session.role_arn,
                        "id": session.user_id,
                    }
    return None


def access_key(request, full_url, headers):
    return 200, {"Content-Type": "application/json"}, json.dumps(found(request.args.get("id")))


url_paths["{0}/moto-api/access-key"] = access_key
