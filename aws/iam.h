/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_IAM_H
#define SL_IAM_H

/*
 * AWS IAM, for administration: https://docs.aws.amazon.com/IAM/latest/APIReference/. Roles are
 * named, not ARNs. Documents are JSON here and in every answer (IAM sends them percent-encoded).
 * What does not exist is AWS_NOT_FOUND. The caller owns what is returned. One thread per client.
 */

#include "client.h"
#include "sigv4.h"

/** GetRole: {"RoleName", "RoleId", "Arn", "Path", "AssumeRolePolicyDocument": {…}}, and
 *  "PermissionsBoundary": ARN where there is one. */
SL_MUST_CHECK enum sl_err sl_iam_get_role(
	struct sl_client *client, const char *role, json_t **ret_role, struct sl_error *reterr);

/** CreateRole. `boundary` (a policy's ARN) and `description` may be NULL. */
SL_MUST_CHECK enum sl_err sl_iam_create_role(struct sl_client *client, const char *role,
	const json_t *trust, const char *description, const char *boundary, char **ret_arn,
	struct sl_error *reterr);

/** UpdateAssumeRolePolicy. */
SL_MUST_CHECK enum sl_err sl_iam_update_trust(
	struct sl_client *client, const char *role, const json_t *trust, struct sl_error *reterr);

/** GetRolePolicy: the document of an inline policy. */
SL_MUST_CHECK enum sl_err sl_iam_get_role_policy(struct sl_client *client, const char *role,
	const char *policy, json_t **ret_document, struct sl_error *reterr);

/** PutRolePolicy. */
SL_MUST_CHECK enum sl_err sl_iam_put_role_policy(struct sl_client *client, const char *role,
	const char *policy, const json_t *document, struct sl_error *reterr);

/** Whether a principal may do `actions` ("s3:GetObject") to one resource. */
struct sl_iam_question {
	const char *principal_arn; /* a role or user; its session's ARN is refused */
	const char *const *actions;
	size_t action_count;
	const char *resource_arn;      /* or NULL: "*" */
	const struct sl_pair *context; /* condition keys and their one string value */
	size_t context_count;
};

/** SimulatePrincipalPolicy: [{"EvalActionName", "EvalDecision": "allowed" | "explicitDeny" |
 *  "implicitDeny", "EvalResourceName"}, …], one for each action. */
SL_MUST_CHECK enum sl_err sl_iam_simulate(struct sl_client *client,
	const struct sl_iam_question *question, json_t **ret_results, struct sl_error *reterr);

#endif
