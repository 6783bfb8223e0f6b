"""MiniStack as if it stood behind TLS.

With AUTH=true it verifies signatures and roles, and the policies of buckets and queues, which refuse what comes without
TLS; on loopback there is none.
"""
import sys

import ministack.core.iam_evaluator as evaluator

pin_request_origin = evaluator.pin_request_origin
evaluator.pin_request_origin = lambda ip, _secure: pin_request_origin(ip, True)

from ministack.app import main  # it takes the function above by name

sys.exit(main())
