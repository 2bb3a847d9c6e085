"""The addresses under /api/v1. Additions only: an address or a member that programs read is never renamed or taken away."""

from __future__ import annotations

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from marketplace.api import (
    inspection,
    jobs,
    ledger,
    me,
    messages,
    nominations,
    notifications,
    offers,
    orders,
    plans,
    products,
    proofs,
    purchases,
    reading_files,
    readings,
    searches,
    signals,
    sites,
    uploads,
)
from marketplace.api.nothing import NothingHere

# The page brings its own scripts and styles: nothing inline, nothing from elsewhere.
DOCS = {"url_name": "api-schema", "template_name": "api/docs.html", "title": "CACO API", "permission_classes": ()}

urlpatterns = [
    path("me", me.Me.as_view()),
    path("tokens", me.Tokens.as_view()),
    path("tokens/<slug:token>", me.OneToken.as_view()),
    path("sites", sites.Sites.as_view()),
    path("sites/<slug:slug>", sites.OneSite.as_view()),
    path("sites/<slug:slug>/uploads", uploads.SiteUploads.as_view()),
    path("sites/<slug:slug>/jobs", jobs.SiteJobs.as_view()),
    path("sites/<slug:slug>/plan", plans.SitePlan.as_view()),
    path("sites/<slug:slug>/readings", readings.SiteReadings.as_view()),
    path("sites/<slug:slug>/nominations", nominations.SiteNominations.as_view()),
    path("sites/<slug:slug>/reading-files", reading_files.SiteMeterFiles.as_view()),
    path("reading-files/<int:pk>", reading_files.OneMeterFile.as_view()),
    path("reading-files/<int:pk>/cancel", reading_files.CancelMeterFile.as_view()),
    path("sites/<slug:slug>/offer-requests", offers.SiteWishes.as_view()),
    path("uploads/<int:pk>", uploads.OneUpload.as_view()),
    path("uploads/<int:pk>/accept", uploads.AcceptUpload.as_view()),
    path("uploads/<int:pk>/discard", uploads.DiscardUpload.as_view()),
    path("offer-requests/<int:pk>", offers.OneWish.as_view()),
    path("products", products.Products.as_view()),
    path("offers", offers.Offers.as_view()),
    path("offers/<uuid:pk>", offers.OneOffer.as_view()),
    path("offers/<uuid:pk>/publish", offers.PublishOffer.as_view()),
    path("offers/<uuid:pk>/withdraw", offers.WithdrawOffer.as_view()),
    path("orders", orders.Orders.as_view()),
    path("orders/<uuid:pk>", orders.OneOrder.as_view()),
    path("orders/<uuid:pk>/proof", proofs.OrderProof.as_view()),
    path("notifications", notifications.Notifications.as_view()),
    path("notifications/<int:pk>/resubmit", notifications.ResubmitNotification.as_view()),
    path("reconciliation", notifications.ReconciledDay.as_view()),
    path("searches", searches.Searches.as_view()),
    path("searches/<uuid:transaction_id>", searches.OneSearch.as_view()),
    path("purchases", purchases.Purchases.as_view()),
    path("purchases/<uuid:pk>", purchases.OnePurchase.as_view()),
    path("purchases/<uuid:pk>/track", purchases.PurchaseTrack.as_view()),
    path("purchases/<uuid:pk>/rate", purchases.PurchaseRate.as_view()),
    path("purchases/<uuid:pk>/support", purchases.PurchaseSupport.as_view()),
    path("purchases/<uuid:pk>/<slug:step>", purchases.PurchaseStep.as_view()),
    path("ledger", ledger.Entries.as_view()),
    path("ledger/<int:seq>", ledger.OneEntry.as_view()),
    path("ledger/<int:seq>/proof", proofs.EntryProof.as_view()),
    path("signals", signals.Signals.as_view()),
    path("forecasts", signals.Forecasts.as_view()),
    path("messages", messages.Messages.as_view()),
    path("messages/refused", inspection.Refused.as_view()),
    path("messages/<slug:direction>/<int:pk>", inspection.OneMessage.as_view()),
    path("messages/<slug:direction>/<int:pk>/redrive", inspection.Redrive.as_view()),
    path("schema", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs", SpectacularSwaggerSplitView.as_view(**DOCS), name="api-docs"),
    re_path(r"", NothingHere.as_view()),
]
