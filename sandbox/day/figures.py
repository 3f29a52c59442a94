"""The figures a day is calibrated to: of domain/mission.md where the seeds give one, else stated as ours."""

from datetime import date

USUAL_DAY = date(2026, 11, 20)

# Seed 000, Khánh Hòa, 22 months.
DOSSIERS_A_MONTH = 43_500
WORKING_DAYS_A_MONTH = 22
DOSSIERS_A_DAY = round(DOSSIERS_A_MONTH / WORKING_DAYS_A_MONTH)  # 1,977
RECEIVED, ONLINE, ON_TIME = 1_000_728, 172_440, 964_046
ONLINE_SHARE = (ONLINE / RECEIVED, 0.20)  # 17.2 % over the 22 months, rising: a day lies between this and 20 %
ON_TIME_SHARE = ON_TIME / RECEIVED  # 96.3 %
SMS_PER_DOSSIER = 372_158 / RECEIVED  # 0.372
PAYMENT_MEAN_VND = round(144_886_308 / 2_593)  # 55,876 đ
ORGANISATION_SHARE = 7_637 / (395_384 + 7_637)  # 1.9 % of customers

# Ours. The seeds' own rate (2,593 of 1,000,728) would be 5 payments a day, too few to reconcile anything;
# one dossier in ten is where the plans for cashless fees want to be.
PAYMENT_SHARE = 200 / DOSSIERS_A_DAY
# Through which channel they go: sandbox/day/channels.py.
# Ours. The seeds give the postal fee but no count. One result in sixteen goes by post: citizens of far
# communes, and of other provinces (one parcel in five), who would otherwise travel a second time.
POSTAL_RETURN_SHARE = 0.06
POSTAL_OUTSIDE_SHARE = 0.20
POST_CHANNEL_SHARE = 0.02
# Ours. Of the dossiers that leave the office in a day, those that came on earlier days.
BACKLOG_SHARE = 0.30  # as a share of the day's new dossiers
SAME_APPLICANT_SHARE = 0.08  # dossiers of somebody who handed in another one that day
NFD_SHARE = 0.08  # names from the portal written with combining marks, as some keyboards do
