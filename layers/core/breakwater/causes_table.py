"""The words for each cause that can alert. Data only: what people read is changed here."""

from breakwater import causes_own
from breakwater.causes import Explanation
from breakwater.causes_guard import GUARD
from breakwater.model import Category, Cause

EXPLANATIONS: dict[Cause, Explanation] = {
    **GUARD,
    **causes_own.EXPLANATIONS,
    Cause.APP_ERROR: Explanation(
        "The application ended with an error",
        "The main process of an essential container exited by itself with a code of its own, so ECS ended the task. "
        "ECS knows no more than the code; the log does.",
        (
            "Read the last lines of the container's log, before the exit.",
            "Compare with the revision before: image, environment, secrets, the services it talks to.",
            "If it fails only at start, run the same image with the same settings by hand.",
        ),
    ),
    Cause.BAD_COMMAND: Explanation(
        "The command could not be run",
        "Code 127 means that the command was not found in the image, 126 that it was found but may not be executed. "
        "It fails the same way every time, so retrying does not help.",
        (
            "Check `command` and `entryPoint` of the task definition against the files in the image.",
            "Check the executable bit, the interpreter in the first line (`#!`) and Windows line endings.",
            "Check that the image was built for the CPU architecture of the task.",
        ),
    ),
    Cause.OOM: Explanation(
        "Out of memory",
        "The container, or the task as a whole, used more memory than its limit and the kernel killed it. A container "
        "may be killed for what its neighbour in the task used.",
        (
            "Look at MemoryUtilization of the service before the stop: a climb is a leak, a jump is one request.",
            "Compare the memory limits of task and container with what the runtime believes it has "
            "(JVM heap, Node.js old space, number of workers).",
            "Raise the limit to stop the bleeding; then find what grew.",
        ),
    ),
    Cause.KILLED: Explanation(
        "Killed from outside (SIGKILL)",
        "Code 137 without an out-of-memory text: something killed the process and ECS does not say what. Often it is "
        "memory after all, or a process that ignored SIGTERM for longer than `stopTimeout`.",
        (
            "Look at MemoryUtilization just before the stop; near the limit, treat it as out of memory.",
            "Check whether the application or its entrypoint kills its own processes.",
            "On EC2, look into the instance's kernel log for the out-of-memory killer.",
        ),
    ),
    Cause.TERMINATED: Explanation(
        "Told to end, but not by ECS",
        "The process ended on SIGTERM or SIGINT although ECS did not stop the task. Something inside asked it to: a "
        "supervisor, a script, an agent, a person in a shell.",
        (
            "Read the log just before the exit: who asked for the shutdown?",
            "Check process supervisors and watchdogs inside the container.",
            "Check ECS Exec sessions and the user's own automation around that time.",
        ),
    ),
    Cause.CRASH_SIGNAL: Explanation(
        "The process crashed on a signal",
        "The process was ended by the operating system: 139 is a memory access violation (SIGSEGV), 134 an abort of "
        "its own (SIGABRT). On Windows large codes such as 3221225477 (0xC0000005) mean the same.",
        (
            "Look for a stack trace or an assertion at the end of the log.",
            "Check native libraries and the base image: what changed in the last build?",
            "Check that the image was built for the CPU architecture of the task.",
        ),
    ),
    Cause.SIDECAR_ERROR: Explanation(
        "A container beside the application failed",
        "A container that is not essential ended with an error. The task goes on without it, perhaps without metrics, "
        "logs, cache or proxy.",
        (
            "Read the log of that container.",
            "Decide whether the task is any good without it; if not, mark it essential in the task definition.",
            "A restart policy on the container lets ECS start it again without replacing the task.",
        ),
    ),
    Cause.IMAGE_PULL: Explanation(
        "The image could not be pulled",
        "The task never started because its image could not be fetched: it does not exist under this tag, access is "
        "denied, the registry cannot be reached, or it limits how often it may be asked.",
        (
            "Check that the image exists under exactly this repository, tag or digest; a lifecycle policy may have "
            "deleted it.",
            "Check that the task *execution* role may pull (ecr:GetAuthorizationToken, BatchGetImage, "
            "GetDownloadUrlForLayer) and, for a private registry, that its credentials are right.",
            "Check the way to the registry: public IP or NAT gateway, or VPC endpoints for ecr.api, ecr.dkr and S3.",
            "`toomanyrequests` is the registry's limit: pull through an ECR pull-through cache or log in.",
        ),
    ),
    Cause.SECRETS: Explanation(
        "Secrets or registry credentials could not be fetched",
        "ECS fetches secrets before the container starts, with the task *execution* role, not with the task role. The "
        "secret is missing, the role may not read it or its key, or Secrets Manager or SSM cannot be reached.",
        (
            "Check that each `valueFrom` of the task definition names a secret or parameter that exists in this Region "
            "and a JSON key that the secret has.",
            "Check the task *execution* role: secretsmanager:GetSecretValue, ssm:GetParameters and kms:Decrypt.",
            "In a private subnet, check the NAT gateway or the VPC endpoints for secretsmanager, ssm and kms, and "
            "their security groups.",
        ),
    ),
    Cause.NETWORK: Explanation(
        "The task had no working network",
        "The task's network interface could not be made in time, or what ECS needs to start it could not be reached.",
        (
            "Check the subnets: free addresses, route to a NAT gateway or VPC endpoints; a Fargate task in a public "
            "subnet needs a public IP.",
            "Check that security groups and network ACLs let HTTPS out, and in to the VPC endpoints.",
            "Check DNS in the VPC: enableDnsSupport, and private DNS of the endpoints.",
            "On EC2, check how many network interfaces the instance type allows.",
        ),
    ),
    Cause.LOGGING: Explanation(
        "Logging could not be set up",
        "The task was not started because its log driver failed: the log group is missing, the role may not write, or "
        "CloudWatch Logs cannot be reached.",
        (
            "Check that the log group of the task definition exists in this Region, or that `awslogs-create-group` is "
            "set and the execution role may create it.",
            "Check the task execution role: logs:CreateLogStream and logs:PutLogEvents.",
            "In a private subnet, check the NAT gateway or the VPC endpoint for logs.",
        ),
    ),
    Cause.CONTAINER_CREATE: Explanation(
        "The container could not be created or started",
        "The image was there, but the container runtime refused to make a running container of it.",
        (
            "Read the runtime's message: a missing executable, a wrong architecture, a bad mount or option.",
            "Check `command`, `entryPoint`, `workingDirectory` and `user` against the image.",
            "Check volumes, device mappings and Linux parameters of the task definition.",
        ),
    ),
    Cause.START_TIMEOUT: Explanation(
        "The start took too long",
        "The container runtime did not bring the container up in time. The image may be very large, the disk or the "
        "host overloaded, or the entrypoint may block.",
        (
            "Check size of the image and time of the pull; smaller images and SOCI help on Fargate.",
            "Check `startTimeout` and what the container depends on.",
            "On EC2, check the instance: disk, CPU credits, number of containers, state of the container runtime.",
        ),
    ),
    Cause.INIT_FAILED: Explanation(
        "A container that has to finish first failed",
        "The task waits for another container (`dependsOn`: a migration, a setup step) and that one ended with an "
        "error, so the application was never started.",
        (
            "Read the log of the container that failed, not the application's.",
            "Check what it needs: database, permissions, secrets, network.",
            "Check `dependsOn` and `startTimeout` of the task definition.",
        ),
    ),
    Cause.CONFIGURATION: Explanation(
        "The configuration does not work",
        "ECS cannot start tasks because of something that the task definition or the service asks for, such as a role "
        "that cannot be assumed or a file system that cannot be mounted.",
        (
            "Read the service's events; they name the part.",
            "Check that the task role and the execution role exist and trust ecs-tasks.amazonaws.com.",
            "Check volumes, file systems, target groups and service discovery that the service names.",
        ),
    ),
    Cause.CAPACITY: Explanation(
        "No capacity",
        "There is no room for the task: Fargate or Fargate Spot has none at the moment, or no instance of the cluster "
        "has enough CPU, memory, ports or GPUs free. The revision is not to blame.",
        (
            "On Fargate: wait, use more Availability Zones, or let Fargate stand in for Fargate Spot.",
            "On EC2: check the free CPU and memory of the instances against what the task asks for, and the limits of "
            "the Auto Scaling group and its capacity provider.",
            "Check the account's quota for vCPUs.",
        ),
    ),
    Cause.HEALTH_CHECK_ELB: Explanation(
        "The load balancer found the task unhealthy",
        "The task ran, but its target group's health check failed so often that ECS replaced it. The exit code tells "
        "nothing here, not even 0.",
        (
            "Look at the reason in the target group: time-out, wrong status code, refused connection.",
            "If it happens only at start, the health check grace period is shorter than the start-up: raise "
            "`healthCheckGracePeriodSeconds`.",
            "Check path, port and expected codes, and that the security group lets the load balancer in.",
            "If it happens under load, look at CPU, memory and the services it waits for.",
        ),
    ),
    Cause.HEALTH_CHECK_CONTAINER: Explanation(
        "The container's own health check failed",
        "The health check command of the task definition failed so often that ECS replaced the task.",
        (
            "Run the health check command by hand in the container: is its tool (curl, wget) in the image?",
            "Check `startPeriod`, `interval`, `timeout` and `retries` against how long the start takes.",
            "If it happens under load, look at CPU, memory and what the check itself waits for.",
        ),
    ),
    Cause.SPOT_INTERRUPTION: Explanation(
        "Spot capacity was taken back",
        "AWS needed the capacity. That is the bargain of Spot; no service replaces a standalone task, so its work is "
        "lost.",
        (
            "Run the task again if its work matters.",
            "Run work that must not be lost on capacity on demand, or make it safe to repeat and retry it.",
        ),
    ),
    Cause.HOST_TERMINATED: Explanation(
        "The host was terminated",
        "The EC2 instance under the task was terminated. No service replaces a standalone task.",
        (
            "Find out who ended the instance: scaling in, a health check, a person.",
            "Run the task again if its work matters.",
            "Drain instances before they end: managed draining of the capacity provider does that.",
        ),
    ),
    Cause.MAINTENANCE: Explanation(
        "AWS is maintaining the infrastructure",
        "AWS stopped the task to patch or retire what it ran on. No service replaces a standalone task.",
        (
            "Run the task again if its work matters.",
            "See the AWS Health Dashboard for more retirements to come.",
        ),
    ),
    Cause.INFRASTRUCTURE: Explanation(
        "The infrastructure under the task was unhealthy",
        "ECS stopped the task because what it ran on was impaired. No service replaces a standalone task.",
        (
            "Run the task again if its work matters.",
            "See the AWS Health Dashboard; on EC2, look at the instance's status checks.",
        ),
    ),
    Cause.CIRCUIT_BREAKER: Explanation(
        "The deployment circuit breaker gave up",
        "Too many tasks of the new revision failed to start or to become healthy, so ECS ended the deployment.",
        (
            "Look at the stopped tasks of the deployment; their own alerts name the cause.",
            "Check which revision serves now: with rollback enabled ECS goes back by itself, else it stays in between.",
            "Fix the new revision before deploying it again; the infrastructure code still names it.",
        ),
    ),
    Cause.DEPLOYMENT_ALARM: Explanation(
        "An alarm ended the deployment",
        "A CloudWatch alarm that watches the deployment went off, so ECS ended it.",
        (
            "Look at the alarm that went off and what it measures.",
            "Check whether the new revision caused it or something else at the same time.",
            "Check which revision serves now.",
        ),
    ),
    Cause.START_IMPAIRED: Explanation(
        "The service cannot start tasks that stay up",
        "Task after task fails, so ECS waits longer and longer between attempts. The event names no revision.",
        (
            "Look at the stopped tasks of the service; their own alerts name the cause.",
            "Check whether a deployment began shortly before.",
            "Check what all tasks share: image, secrets, subnets, health checks.",
        ),
    ),
    Cause.TARGET_UNHEALTHY: Explanation(
        "A task is registered but unhealthy",
        "Service discovery or VPC Lattice finds a running task unhealthy and may not send requests to it.",
        (
            "Look at the health of the instances in Cloud Map, or of the targets in VPC Lattice.",
            "Check the health check's path and port and the security groups between.",
            "Check the task's own log and load.",
        ),
    ),
    Cause.PLACEMENT: Explanation(
        "No instance satisfies the placement constraints",
        "There may be room, but no instance has what the task asks for: an attribute, a type, a zone, a port.",
        (
            "Read the service's events; they name the closest instance and what it lacks.",
            "Compare constraints and required attributes of the task definition with the instances' attributes.",
            "Check that the instances are ACTIVE, their agents connected and up to date.",
        ),
    ),
    Cause.THROTTLED: Explanation(
        "AWS is throttling calls",
        "So many API calls are made in this account and Region that ECS has to wait. Services heal and scale more "
        "slowly meanwhile.",
        (
            "Look into CloudTrail for who makes so many calls; polling scripts are the usual suspects.",
            "Spread deployments and scaling of many services over time.",
            "Do not add calls of your own by retrying.",
        ),
    ),
    Cause.HOOK_WAITING: Explanation(
        "A deployment waits for a person",
        "A lifecycle hook paused the deployment and no smoke test is configured to answer it. When the time is over "
        "the hook's time-out action is taken.",
        (
            "Look at the new revision while it takes test traffic.",
            "Answer the hook: continue, or roll back.",
            "Configure a smoke test, so that the next one is answered without you.",
        ),
    ),
    Cause.HOOK_FAILED: Explanation(
        "A deployment hook failed",
        "A lifecycle hook said no: its test failed, or somebody answered with a rollback. ECS ends the deployment.",
        (
            "Look at what the hook checked and found.",
            "Verify that ECS brings the previous revision back.",
        ),
    ),
    Cause.HOOK_TIMED_OUT: Explanation(
        "Nobody answered a deployment hook in time",
        "A lifecycle hook waited until its time was over, so ECS took the action that it is told to take then.",
        (
            "Check which revision serves now.",
            "Find out who or what should have answered, and why it did not.",
            "Give the hook more time only if the answer really takes longer.",
        ),
    ),
    Cause.THRESHOLD: Explanation(
        "An alarm went off",
        "A metric crossed the threshold of a CloudWatch alarm.",
        (
            "Look at the metric over the last hours: a jump, a trend, or a daily peak?",
            "Check what was deployed or scaled shortly before.",
            "If it is capacity, scale; if it recovers by itself every day, mend the threshold.",
        ),
    ),
    Cause.CHANGE_KEPT: Explanation(
        "Somebody's change of scale is kept",
        "While Breakwater held the scale of this service for a surge or a window, somebody else changed a number of "
        "it. That number stays, and Breakwater will not give back what it found before.",
        (
            "Check whether the number that stands there now is meant to stay.",
            "If it is not, set it by hand: the reason names what was found before.",
            "The journal in the table (`JOURNAL#cluster/service`) shows what was set when, and why.",
        ),
    ),
    Cause.CHANGE_WITHHELD: Explanation(
        "A change of scale is held up",
        "Breakwater has to change the scale of this service, most often to give it back, and something has stood in "
        "the way for half an hour.",
        (
            "Read the reason: a deployment, protected tasks, another automation, a permission, or the mode.",
            "End what stands in the way, or set the numbers by hand: what you set is kept.",
            "Breakwater tries again every five minutes.",
        ),
    ),
    Cause.UNKNOWN: Explanation(
        "The cause is not known",
        "The event says that something failed in words that Breakwater does not know. It is told rather than dropped.",
        (
            "Read the reason and the container's log.",
            "Look at the stopped task in the console soon: ECS forgets it after about an hour.",
            "If the words are new from AWS, add them to the tables of `breakwater.diagnosis`.",
        ),
    ),
}

BY_CATEGORY: dict[tuple[Category, Cause], Explanation] = {
    **causes_own.BY_CATEGORY,
    **dict.fromkeys(
        ((Category.DEPLOYMENT_ROLLED_BACK, cause) for cause in (Cause.CIRCUIT_BREAKER, Cause.DEPLOYMENT_ALARM)),
        Explanation(
            "ECS is rolling the deployment back",
            "The deployment failed and ECS returns to the last revision whose deployment was completed.",
            (
                "Wait until the rollback is completed, and check that the service is steady on the old revision.",
                "Look at the stopped tasks of the failed deployment; their own alerts name the cause.",
                "Fix the new revision before deploying it again; the infrastructure code still names it.",
            ),
        ),
    ),
    (Category.TASK_START_FAILED, Cause.CONFIGURATION): Explanation(
        "The EFS file system could not be mounted",
        "The task was not started because a volume on Amazon EFS could not be mounted.",
        (
            "Check that the file system has a mount target in the task's Availability Zone.",
            "Check that its security group lets NFS (port 2049) in from the task's.",
            "Check file system id, access point, file system policy and, with IAM authorisation, the task role.",
        ),
    ),
    (Category.INSTANCE_IMPAIRED, Cause.INFRASTRUCTURE): Explanation(
        "A container instance is impaired",
        "ECS finds the container runtime, the agent or a device of the instance unhealthy. Tasks on it may hang, and "
        "new ones may fail to start there.",
        (
            "Drain the instance, so that services move their tasks.",
            "Look at its status checks, disk space, memory and the logs of agent and container runtime.",
            "Replace it rather than mend it.",
        ),
    ),
    (Category.SERVICE_IMPAIRED, Cause.UNKNOWN): Explanation(
        "ECS reports a problem with the service",
        "ECS cannot tell the service's health, or reports something that Breakwater does not know yet.",
        (
            "Look at the service's events and at desired and running count.",
            "See the AWS Health Dashboard for ECS in this Region.",
        ),
    ),
}
